"""A second visit, as plain Python."""

from __future__ import annotations

from typing import Any

import darner
from darner import Ask, Call

from .tools import Wish


async def visit(before: str, customer: Ask[Wish], buy: Call[Any, str]) -> str:
    """Wait a moment, ask for more, buy that, wait again."""
    await darner.sleep(0.1)
    wish = await customer(what="pots")
    bought = await buy(item="pots", count=wish.count)
    await darner.sleep(0.1)
    return f"{before} and {bought}"
