"""An event loop in a thread of its own: MCP's connections live there, whatever the tools of a run do to the run's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
ENDS_WITHIN = 20.0
"""Seconds that connections have to close."""


class Background:
    """A loop that is started when it is first needed, and stopped by `close`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Return what a coroutine gives, awaited over there; this thread waits."""
        return asyncio.run_coroutine_threadsafe(work, self._started()).result(seconds)

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine gives, awaited over there; cancelling it here cancels it there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._started()))

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop = self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(loop,), daemon=True, name="darner-mcp")
            self._thread.start()
        return self._loop

    def close(self) -> None:
        """Stop the loop; what is still under way is cancelled, and has time to end."""
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(ENDS_WITHIN)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
