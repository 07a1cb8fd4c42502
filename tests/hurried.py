"""What tests of models' failures share: a clock on which every wait is over at once, a price that is easy to reckon with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

START = 1_800_000_000.0
PRICE = {"input": "2 USD", "output": "20 USD"}
"""A thousand tokens in, a hundred out: 0.004 USD."""


@dataclass
class Hurried:
    """A clock on which every wait is over at once, and is noted."""

    waited: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Return a time."""
        return START + sum(self.waited)

    async def sleep(self, seconds: float) -> None:
        """Note a wait."""
        self.waited.append(seconds)
        await asyncio.sleep(0)
