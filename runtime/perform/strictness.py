"""A strict resume: nothing new is performed before it is known that everything on record is still asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ..failures import Unasked
from ..replay import Replay, names
from ..state import RunState

QUIET = 0.5
"""Seconds for which nothing on record may be asked for, before what is left counts as drift: code has its own waits."""
MOMENT = 0.02
"""The same, where nothing is left."""


@dataclass
class StrictGate:
    """Holds every new call until the steps that are gone on with have asked for what is on record of them. See `ports.Gate`."""

    state: RunState
    _replays: list[Replay] = field(default_factory=list)
    _verdict: asyncio.Task[None] | None = None

    def watch(self, replay: Replay) -> None:
        """Hear of a step that begins, or is gone on with."""
        self._replays.append(replay)

    async def passed(self) -> None:
        """Return once new calls may be made; raises `Unasked` where calls on record aren't asked for any more."""
        if self._verdict is None:
            self._verdict = asyncio.get_running_loop().create_task(self._judge())
        await asyncio.shield(self._verdict)

    async def _judge(self) -> None:
        before = None
        while (now := self._mark()) != before:
            before = now
            await asyncio.sleep(QUIET if now[1] else MOMENT)
        for replay in self._replays:
            refuse_drift(self.state, replay)

    def _mark(self) -> tuple[int, int]:
        return len(self._replays), sum(len(one.left) for one in self._replays)

    def refuse(self) -> None:
        """Raise again what the gate said, where code has caught it."""
        if self._verdict is not None and self._verdict.done() and not self._verdict.cancelled():
            self._verdict.result()


def refuse_drift(state: RunState, replay: Replay) -> None:
    """Raise `Unasked` where something on record of a step isn't asked for."""
    if replay.left:
        msg = f"{replay.path} no longer asks for what is on record of it: {names(state, replay.left)}"
        raise Unasked(msg, help="nothing new was done; bring its code back, or go on without --strict: what is on record is kept")
