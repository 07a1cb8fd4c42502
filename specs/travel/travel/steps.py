"""The journey, as plain Python: it sleeps for weeks, and asks how it was."""

from __future__ import annotations

import darner
from darner import Ask

from .types import Farewell


async def journey(booking: str, rest: str, traveller: Ask[str]) -> Farewell:
    """Wait until the journey is over, then ask; whoever has called meanwhile is heard, and not asked."""
    await darner.sleep(rest)
    heard = await traveller(question="Welcome back! How was it?")
    return Farewell(booking=booking, heard=heard)
