"""Threads for callables that aren't async: kept for the next one, left behind by a time-out, never in the way of an exit."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

_Work: TypeAlias = "tuple[Callable[[], Any], asyncio.AbstractEventLoop, asyncio.Future[Any]]"


class Threads:
    """Daemon threads, as many as are busy at once. asyncio's own would have to end before the process can."""

    def __init__(self) -> None:
        self._idle: list[queue.SimpleQueue[_Work]] = []

    async def run(self, function: Callable[..., Any], /, **arguments: Any) -> Any:
        """Return what a function gives, called in a thread of its own; cancelling leaves the thread to itself."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        context = contextvars.copy_context()
        worker = self._idle.pop() if self._idle else self._new()
        worker.put((lambda: context.run(function, **arguments), loop, done))
        return await done

    def _new(self) -> queue.SimpleQueue[_Work]:
        work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        threading.Thread(target=self._work, args=(work,), daemon=True, name="darner-callable").start()
        return work

    def _work(self, work: queue.SimpleQueue[_Work]) -> None:
        while True:
            function, loop, done = work.get()
            value, error = None, None
            try:
                value = function()
            except BaseException as raised:  # noqa: BLE001 - it belongs to whoever waits, whatever it is
                error = raised
            self._idle.append(work)
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(_settle, done, value, error)
            del function, loop, done, value, error


def _settle(done: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if isinstance(error, StopIteration):
        # A future refuses it; and leaving a coroutine it would mean something else.
        error = RuntimeError(f"StopIteration: {error}")
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(value)
