"""Group commit: whatever finished since the last write goes into one append, and is durable before anybody goes on from it.

What a pure call gave is an exception: its caller may compute with it while the disk is still at work on it, for nothing
begins before it is durable. Lost with the machine's power, it is worked out again (docs/decisions/0012).
"""

from __future__ import annotations

import asyncio

from .events import Event
from .failures import Fenced
from .ports import Log, StagedLog
from .state import RunState

SLOW = 0.002
"""Seconds of an append above which the next ones leave the event loop's thread: handing over costs a tenth of that."""
ALONE, LOOKS = 4, 16
"""After how many appends with one caller each it is taken to be alone; then every 16th looks whether somebody else is ready."""


class GroupCommit:
    """Events on their way into a log, and the state that they lead to.

    An event counts in the state at once; what a caller acts on must have come through `commit`.
    """

    def __init__(self, log: Log, state: RunState) -> None:
        self._log = log
        self._staged = log if isinstance(log, StagedLog) else None
        self._state = state
        self._pending: list[Event] = []
        self._noted = 0
        self._written = 0
        self._writer: asyncio.Task[None] | None = None
        self._is_slow = False
        self._callers = 0
        self._alone = 0
        self._error: BaseException | None = None
        self._begun: StagedLog | None = None
        self._took = 0.0
        self._is_watched = False

    @property
    def is_broken(self) -> bool:
        """Whether the log took no more: nothing that happens from then on can be kept."""
        return self._error is not None

    def note(self, *events: Event) -> None:
        """Let events ride with the next commit."""
        for event in events:
            self._state.apply(event)
        self._pending.extend(events)
        self._noted += len(events)

    async def commit(self, *events: Event) -> None:
        """Return when these events, and all noted before them, are durable. Raises what the log raised, now and ever after."""
        if events:
            self.note(*events)
        mine = self._noted
        self._callers += 1
        if self._error is None and not self._is_alone:
            # Whatever is ready now goes first and notes its own events, which so come along: the first to be back writes for all.
            await asyncio.sleep(0)
        while self._error is None and self._written < mine:
            if self._is_slow or self._writer is not None:
                await self._written_beside()
            else:
                self._write()
        self.settle()

    async def give(self, *events: Event) -> None:
        """Write what a pure call gave, and return while the disk is at work on it; whoever begins anything calls `settle` before.

        Where others commit, too, or the log knows no such thing, this is `commit`.
        """
        if self._staged is None or self._error is not None or not self._is_alone:
            await self.commit(*events)
            return
        self.settle()
        self._pending.extend(events)
        self._noted += len(events)
        self._callers += 1
        self._begin(self._staged)
        for event in events:
            self._state.apply(event)

    def settle(self) -> None:
        """Return when all that was given is durable. Raises what the log raised, now and ever after."""
        self._finish()
        if self._error is not None:
            raise self._error

    def _begin(self, log: StagedLog) -> None:
        batch, noted = self._take()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            log.begin(batch)
        except BaseException as error:
            self._error = error
            raise
        self._begun, self._written, self._took = log, noted, loop.time() - began
        if not self._is_watched:
            # Nothing may begin for long. As soon as the caller waits for anything, it is finished.
            self._is_watched = True
            loop.call_soon(self._watched)

    def _watched(self) -> None:
        self._is_watched = False
        self._finish()

    def _finish(self) -> None:
        """Make durable what was given; that it failed is kept for whoever begins something, or commits."""
        log, self._begun = self._begun, None
        if log is None:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            log.finish()
        except BaseException as error:  # noqa: BLE001 - whatever it is
            self._error = error
        self._is_slow = self._took + loop.time() - began > SLOW

    @property
    def _is_alone(self) -> bool:
        """Whether nobody else is expected to commit, and the log is quick."""
        return self._alone >= ALONE and self._alone % LOOKS != 0 and not self._is_slow and self._writer is None

    def look(self) -> None:
        """Raise what the log raised, now and ever after; `Fenced` where another process has taken the run over meanwhile."""
        if self._error is None:
            try:
                self._log.look()
            except Fenced as error:
                self._error = error
        if self._error is not None:
            raise self._error

    async def hold(self, seconds: float) -> None:
        """Make sure that nobody takes the run by mistake within so many seconds: before a write that may last that long."""
        if self._is_slow:
            await asyncio.to_thread(self._log.hold, seconds)
        else:
            self._log.hold(seconds)

    async def _written_beside(self) -> None:
        """Wait for the append that a thread makes now, or else begin one. It isn't cancelled with whoever waits for it."""
        if self._writer is None:
            self._finish()
            if self._error is not None:
                return
            self._writer = asyncio.get_running_loop().create_task(self._write_beside())
        await asyncio.shield(self._writer)

    async def _write_beside(self) -> None:
        batch, noted = self._take()
        try:
            await asyncio.to_thread(self._append, batch, asyncio.get_running_loop())
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            self._error = error
        else:
            self._written = noted
        finally:
            self._writer = None

    def _write(self) -> None:
        self._finish()
        if self._error is not None:
            return
        batch, noted = self._take()
        try:
            self._append(batch, asyncio.get_running_loop())
        except BaseException as error:  # noqa: BLE001 - likewise
            self._error = error
        else:
            self._written = noted

    def _take(self) -> tuple[list[Event], int]:
        batch, self._pending = self._pending, []
        # A look costs a turn of the event loop. Where nobody came along for a while, nobody is expected.
        self._alone = self._alone + 1 if self._callers == 1 else 0
        self._callers = 0
        return batch, self._noted

    def _append(self, batch: list[Event], loop: asyncio.AbstractEventLoop) -> None:
        """Append, and note whether the disk is slow; that a busy machine takes its time to change threads isn't the disk's doing."""
        began = loop.time()
        self._log.append(batch)
        self._is_slow = loop.time() - began > SLOW

    async def drain(self) -> None:
        """Write what is still under way, after nobody waits any more: the end of a run that was stopped."""
        if self._writer is not None:
            await self._writer
        if self._error is None:
            self.settle()
        batch, self._pending = self._pending, []
        if batch and self._error is None:
            self._log.append(batch)
