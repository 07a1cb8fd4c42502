"""Threads for callables that aren't async: kept for the next one, left behind by a time-out, never in the way of an exit."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 0.0003
"""Seconds for which the event loop stands still for a function that may be done at once: telling it through the loop takes
twice as long as such a function does."""
LEAST_HOPE = 64
"""Functions that are given no such time, at most, after one that needed more."""


@dataclass(slots=True)
class _Work:
    """One call. Whoever claims it first says how its end is told: here and now, or through the loop."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    value: Any = None
    error: BaseException | None = None
    done: asyncio.Future[None] | None = None
    _claim: threading.Lock = field(default_factory=threading.Lock)
    _end: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._end.acquire()

    def is_done_at_once(self) -> bool:
        """Wait a moment for the end."""
        return self._end.acquire(timeout=PATIENCE)

    async def end(self) -> None:
        """Wait for the end, and let the loop go on meanwhile."""
        self.done = asyncio.get_running_loop().create_future()
        if self._claim.acquire(blocking=False):
            await self.done

    def perform(self) -> None:
        """Call the function, in the thread that this is."""
        try:
            self.value = self.context.run(self.function, **self.arguments)
        except BaseException as raised:  # noqa: BLE001 - it belongs to whoever waits, whatever it is
            self.error = raised

    def tell(self) -> None:
        """Tell whoever waits that this is the end."""
        if self._claim.acquire(blocking=False):
            self._end.release()
        elif self.done is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.done.get_loop().call_soon_threadsafe(_wake, self.done)


class Threads:
    """Daemon threads, as many as are busy at once. asyncio's own would have to end before the process can."""

    def __init__(self) -> None:
        self._idle: list[queue.SimpleQueue[_Work]] = []
        self._hopeless = 0
        self._missed = 1

    async def run(self, function: Callable[..., Any], /, **arguments: Any) -> Any:
        """Return what a function gives, called in a thread of its own; cancelling leaves the thread to itself."""
        work = _Work(function, arguments)
        worker = self._idle.pop() if self._idle else self._new()
        worker.put(work)
        if not self._is_done_at_once(work):
            await work.end()
        value, error = work.value, work.error
        del work
        try:
            if isinstance(error, StopIteration):
                # Leaving a coroutine it would mean something else.
                error = RuntimeError(f"StopIteration: {error}")
            if error is not None:
                raise error
            return value
        finally:
            del error  # or it would hold this frame, which holds it

    def _is_done_at_once(self, work: _Work) -> bool:
        """Wait a moment, unless functions have lately taken longer: then it would be lost, again and again."""
        if self._hopeless:
            self._hopeless -= 1
            return False
        if work.is_done_at_once():
            self._missed = 1
            return True
        self._hopeless = self._missed
        self._missed = min(2 * self._missed, LEAST_HOPE)
        return False

    def _new(self) -> queue.SimpleQueue[_Work]:
        waiting: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        threading.Thread(target=self._work, args=(waiting,), daemon=True, name="darner-callable").start()
        return waiting

    def _work(self, waiting: queue.SimpleQueue[_Work]) -> None:
        while True:
            work = waiting.get()
            work.perform()
            self._idle.append(waiting)
            work.tell()
            del work


def _wake(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
