"""Child processes with enforced memory."""
