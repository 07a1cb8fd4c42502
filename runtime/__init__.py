"""The runtime: a plan into a journal."""
