"""The Python of session.yaml."""
