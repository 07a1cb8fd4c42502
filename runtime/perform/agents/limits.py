"""What a provider allows, kept to: requests and tokens a time, and how many requests may be under way at once.

Each process keeps to it by itself. What the provider says beyond that (429, Retry-After) is the failure policy's matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ....compiler.quantities import RateLimit
from ....compiler.settings import ModelRate


@dataclass
class Bucket:
    """So many of something per so many seconds: full at first, and filled steadily. It may be overdrawn, and is waited for then."""

    rate: RateLimit
    level: float
    seen: float

    def wait(self, now: float) -> float:
        """Return the seconds until something may be taken again."""
        filled = self.level + (now - self.seen) * self.rate.amount / self.rate.seconds
        self.level, self.seen = min(self.rate.amount, filled), now
        return max(0.0, -self.level * self.rate.seconds / self.rate.amount)

    def take(self, amount: float) -> None:
        """Take an amount, even more than there is."""
        self.level -= amount


class Pace:
    """One model's allowance. Times are those of the event loop."""

    def __init__(self, rate: ModelRate) -> None:
        self._places = asyncio.Semaphore(rate.concurrency) if rate.concurrency else None
        self._requests = _bucket(rate.requests)
        self._tokens = _bucket(rate.tokens)

    @asynccontextmanager
    async def turn(self, wait: Callable[[float], Awaitable[None]]) -> AsyncIterator[None]:
        """Wait until a request may be made, and hold its place until it is over; ``wait`` waits so many seconds."""
        async with AsyncExitStack() as held:
            if self._places is not None:
                await held.enter_async_context(self._places)
            if self._requests is not None:
                # Taken before waiting: those who come later wait longer, each for a turn of its own.
                self._requests.take(1)
                await _waited(wait, self._requests.wait(_now()))
            if self._tokens is not None:
                await _waited(wait, self._tokens.wait(_now()))
            yield

    def used(self, tokens: int) -> None:
        """Count the tokens of a request that is over."""
        if self._tokens is not None:
            self._tokens.take(tokens)


async def _waited(wait: Callable[[float], Awaitable[None]], seconds: float) -> None:
    if seconds > 0:
        await wait(seconds)


def _bucket(rate: RateLimit | None) -> Bucket | None:
    return None if rate is None else Bucket(rate, rate.amount, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
