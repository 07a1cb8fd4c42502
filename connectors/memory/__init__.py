"""Rows in the memory of one process."""
