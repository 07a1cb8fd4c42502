"""When a run is left alone: parked, where only long waits are left; ended, where somebody cancels it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

from ...commits import GroupCommit
from ...events import Event, QuestionClosed, RunFinished, RunParked
from ...idle import Idle
from ...ports import Clock
from ...state import RunState
from ...waits import NEVER
from .desk import Desk

GRACE = 0.05
"""Seconds for which nothing may change before a run parks: code between two calls gets its turn."""
LOOK = 5.0
"""Seconds between looks whether the run is still this process's: what waits for an answer for an hour writes nothing."""


@dataclass(frozen=True)
class Leaving:
    """Runs an engine until it is done, or until there is a reason to stop it."""

    state: RunState
    commits: GroupCommit
    clock: Clock
    idle: Idle
    desk: Desk
    _look: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, engine: Awaitable[None]) -> None:
        """Go on until the engine is done, only long waits are left, or the run is cancelled; record which it was.

        Raises:
            Fenced: another process has taken the run over; nothing more is written.
            StoreError: nothing more can be written.
        """
        self.idle.wake = self._look.set
        before = min(self.state.waits.times(), default=None)
        stale = ({NEVER} if self.state.waits.asks else set()) | ({before} if before is not None else set())
        work, parks = asyncio.ensure_future(engine), asyncio.ensure_future(self._parks())
        cancelled, lost = asyncio.ensure_future(self.desk.cancelled()), asyncio.ensure_future(self._lost())
        try:
            await asyncio.wait([work, parks, cancelled, lost], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (work, parks, cancelled, lost):
                one.cancel()
            await asyncio.gather(work, parks, cancelled, lost, return_exceptions=True)
            self.idle.wake = lambda: None
        if not lost.cancelled():
            lost.result()
        elif not work.cancelled():
            work.result()
        elif not cancelled.cancelled():
            await self.commits.commit(*ends_of(self.state, self.clock.now(), cancelled.result().who))
        else:
            parks.result()
            # Wakers look at the hint, so it is there before the run is.
            after = min(self.state.waits.times(self.clock.now()), default=NEVER)
            await self.desk.hint(after)
            await self.commits.commit(RunParked(at=self.clock.now()))
            stale -= {after}
        for at in stale:
            await self.desk.forget_hint(at)

    async def _lost(self) -> None:
        """Raise once the journal is another's, or takes no more, whatever the code of a step makes of that."""
        while True:
            await asyncio.sleep(LOOK)
            await self.desk.look_at(self.commits.look)

    async def _parks(self) -> None:
        """Return when nothing but long waits is left, and nobody is there to be asked now."""
        while True:
            await self._look.wait()
            self._look.clear()
            before = self.idle.changes
            if not self.idle.only_waits(self.clock.now()):
                continue
            await asyncio.sleep(GRACE)
            if self.idle.changes == before and self.idle.only_waits(self.clock.now()):
                if await self.desk.leave():
                    return
                self._look.set() if self.idle.only_waits(self.clock.now()) else None
            else:
                self._look.set()


def ends_of(state: RunState, now: float, who: str | None) -> list[Event]:
    """Return the end of a run that was cancelled, and of the questions that are open."""
    closed = [QuestionClosed(at=now, call=one.call, question=one.question, by="cancelled", who=who) for one in state.waits.open]
    return [*closed, RunFinished(at=now, status="cancelled", error=f"cancelled by {who}" if who else "cancelled")]
