"""A spec's text, read: bytes, YAML events, the syntax tree."""
