"""The command and what it says."""
