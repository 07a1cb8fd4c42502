"""Agents: models behind the effect boundary, and the conversation with them."""
