"""An orchestrator that reckons, and then asks."""

from __future__ import annotations

from pydantic import BaseModel

from darner import Ask, Call

STEPS = 0


class Wish(BaseModel):
    """What somebody would like."""

    drink: str


async def host(double: Call[int, int], guest: Ask[Wish]) -> str:
    """Double a number again and again, and ask."""
    number = 1
    for _ in range(STEPS):
        number = await double(number)
    return (await guest()).drink
