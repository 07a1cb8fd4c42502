"""Group commit: whatever finished since the last write goes into one append, and is durable before anybody goes on from it."""

from __future__ import annotations

import asyncio

from .events import Event
from .ports import Log
from .state import RunState

SLOW = 0.002
"""Seconds of an append above which the next ones leave the event loop's thread: handing over costs a tenth of that."""


class GroupCommit:
    """Events on their way into a log, and the state that they lead to.

    An event counts in the state at once; what a caller acts on must have come through `commit`.
    """

    def __init__(self, log: Log, state: RunState) -> None:
        self._log = log
        self._state = state
        self._pending: list[Event] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._is_slow = False
        self._error: BaseException | None = None

    def note(self, *events: Event) -> None:
        """Let events ride with the next commit."""
        for event in events:
            self._state.apply(event)
        self._pending.extend(events)

    async def commit(self, *events: Event) -> None:
        """Return when these events, and all noted before them, are durable. Raises what the log raised, now and ever after."""
        self.note(*events)
        if self._error is not None:
            raise self._error
        loop = asyncio.get_running_loop()
        durable = loop.create_future()
        self._waiting.append(durable)
        if self._writer is None:
            # As a task of its own it starts after everything that is ready now, which so comes along; and it is not
            # cancelled with whoever asked first.
            self._writer = loop.create_task(self._write())
        await durable

    async def hold(self, seconds: float) -> None:
        """Make sure that nobody takes the run by mistake within so many seconds: before a write that may last that long."""
        if self._is_slow:
            await asyncio.to_thread(self._log.hold, seconds)
        else:
            self._log.hold(seconds)

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._write_once()
        finally:
            self._writer = None

    async def _write_once(self) -> None:
        batch, self._pending = self._pending, []
        waiting, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._append(batch)
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            self._error = error
        self._is_slow = loop.time() - began > SLOW
        for one in waiting:
            if not one.done():
                _settle(one, self._error)

    async def _append(self, batch: list[Event]) -> None:
        if self._error is not None:
            return
        if self._is_slow:
            await asyncio.to_thread(self._log.append, batch)
        else:
            self._log.append(batch)

    async def drain(self) -> None:
        """Write what is still under way, after nobody waits any more: the end of a run that was stopped."""
        if self._writer is not None:
            await self._writer
        batch, self._pending = self._pending, []
        if batch and self._error is None:
            self._log.append(batch)


def _settle(future: asyncio.Future[None], error: BaseException | None) -> None:
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
