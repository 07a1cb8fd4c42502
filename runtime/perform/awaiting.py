"""Waiting for a turn at what is limited, told to the journal: it is nobody's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from ..idle import Idle

MOMENT = 0.05
"""Seconds of waiting that leave no word."""


class Tell(Protocol):
    """Tells the journal that a call waits, or, ``over``, that it was given up before it began."""

    def __call__(self, *, over: bool) -> None:
        """Tell."""
        ...


@asynccontextmanager
async def awaited(tell: Tell, waits: Idle, call_id: str, *, known: bool = False) -> AsyncIterator[None]:
    """Let time stand still for all on whose behalf a call waits in the block, and tell the journal.

    ``known`` says that the journal knows already: a throttled attempt has failed. Where the wait is given up, that is told, too:
    otherwise time would stand still for as long as the step goes on.
    """
    told = [known]

    def begin() -> None:
        told[0] = True
        tell(over=False)

    timer = None if known else asyncio.get_running_loop().call_later(MOMENT, begin)
    try:
        with waits.undecided(call_id):
            yield
    except BaseException:
        if told[0]:
            tell(over=True)
        raise
    finally:
        if timer is not None:
            timer.cancel()
