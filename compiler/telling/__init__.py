"""Findings, told to people and machines."""
