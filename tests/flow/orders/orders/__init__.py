"""The Python of the specs beside it."""
