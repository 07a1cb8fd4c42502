"""Steps that do nothing, so that all of their time is darner's."""

from __future__ import annotations

from pydantic import BaseModel


class Given(BaseModel):
    """How many steps there are."""

    count: int


def numbers(count: int) -> list[int]:
    """Return the numbers below ``count``."""
    return list(range(count))


def double(number: int) -> int:
    """Return twice a number."""
    return 2 * number
