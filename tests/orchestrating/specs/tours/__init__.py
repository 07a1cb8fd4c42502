"""Orchestrators of these specs, and what they call."""
