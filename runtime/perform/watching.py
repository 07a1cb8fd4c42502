"""A run shown while it grows: its state, a few times a second, to whoever draws it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from ..state import RunState

Watch = Callable[[RunState], None]
"""Is shown a run's state; it must be quick, and change nothing."""
EVERY = 0.25
"""Seconds between looks."""


@contextlib.asynccontextmanager
async def watched(watch: Watch | None, state: RunState) -> AsyncIterator[None]:
    """Show a state as long as the block runs, and once more at its end."""
    if watch is None:
        yield
        return
    looking = asyncio.get_running_loop().create_task(_look(watch, state))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        watch(state)


async def _look(watch: Watch, state: RunState) -> None:
    while True:
        watch(state)
        await asyncio.sleep(EVERY)
