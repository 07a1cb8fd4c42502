"""The systems outside: one folder each, found by name."""
