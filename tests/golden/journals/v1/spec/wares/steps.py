"""The steps of an order."""

from __future__ import annotations

import darner
from darner import Call, Continue, Stop

from .types import Answer, Order, Visit

LONG = 20_000


def split(order: Order) -> list[str]:
    """Return what is ordered."""
    return order.skus


def total(prices: list[int]) -> int:
    """Add prices up."""
    return sum(prices)


def wanted(answer: Answer) -> bool:
    """Return whether the customer said yes."""
    return answer.yes


def regret() -> str:
    """Say sorry."""
    return "sorry"


def letter(total: int) -> str:
    """Write a letter that is too long for an event."""
    return f"{total}: " + "dear customer " * (LONG // 10)


def cut(letter: str) -> str:
    """Halve a letter."""
    return letter[: len(letter) // 2]


def short_enough(cut: str) -> Continue[str] | Stop[str]:
    """Say whether a letter is short enough."""
    return Stop(cut[:20]) if len(cut) < LONG // 2 else Continue(cut)


async def visit(skus: list[str], letter: str, price: Call[str, int]) -> Visit:
    """Ask for prices again, in plain Python."""
    began, number = darner.now(), darner.uuid()
    return Visit(began=began.isoformat(), number=str(number), prices=[await price(sku) for sku in [*skus, letter[:3]]])
