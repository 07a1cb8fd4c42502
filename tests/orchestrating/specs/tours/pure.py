"""An orchestrator whose calls are pure."""

from __future__ import annotations

from pathlib import Path

from darner import Call

STEPS = 12


async def double(number: int, log: str) -> int:
    """Return twice a number."""
    with Path(log).open("a", encoding="utf-8") as noted:  # noqa: ASYNC230 - it must be noted before anything else can happen
        noted.write(f"{number}\n")
    return 2 * number


async def walk(double: Call[int, int]) -> int:
    """Double a number again and again."""
    number = 1
    for _ in range(STEPS):
        number = await double(number)
    return number
