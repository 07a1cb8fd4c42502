"""Somebody, and what is said to them."""

from __future__ import annotations

from pydantic import BaseModel

from darner import Personal


class Guest(BaseModel):
    """Somebody."""

    name: Personal[str]


def greet(guest: Guest) -> str:
    """Greet somebody."""
    return f"Hello {guest.name}"
