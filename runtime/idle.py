"""Who works and who only waits: a run parks when nothing but long waits is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .ports import Clock

LONG = 60.0
"""Seconds above which a wait is no reason to stay."""
CHUNK = 30.0
"""Seconds after which a wait looks at the clock again, which may have jumped."""


@dataclass(frozen=True, eq=False)
class Wait:
    """Something that is waited for. ``parent`` is the path or call on whose behalf; ``due`` its end, None for never."""

    call: str
    parent: str
    due: float | None = None


@dataclass
class Idle:
    """The calls that are performed, and the waits that are open, of one run."""

    performing: dict[str, str] = field(default_factory=dict)
    """Steps and calls under way, to what they are made for; steps by their paths."""
    waits: set[Wait] = field(default_factory=set)
    asking: set[asyncio.Task[Any]] = field(default_factory=set)
    """Tasks of writes that wait for a person's word, and so may be cancelled: nothing has begun."""
    clocks: set[asyncio.Timeout] = field(default_factory=set)
    """Limits of time that stand still while a person is asked before a write."""
    changes: int = 0
    wake: Callable[[], None] = lambda: None
    """Called when a wait begins, so that whoever parks looks again."""

    @contextmanager
    def working(self, call: str, parent: str) -> Iterator[None]:
        """Count a call as performed."""
        self.performing[call] = parent
        self.changes += 1
        try:
            yield
        finally:
            self.performing.pop(call, None)
            self.changes += 1
            if self.waits:
                self.wake()

    @contextmanager
    def undecided(self) -> Iterator[None]:
        """Let the task that asks before it writes be cancelled as long as it asks; what bounds the asker's time stands still."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        left = {clock: when - loop.time() for clock in self.clocks if (when := clock.when()) is not None}
        for clock in left:
            clock.reschedule(None)
        if task is not None:
            self.asking.add(task)
        try:
            yield
        finally:
            if task is not None:
                self.asking.discard(task)
            for clock, seconds in left.items():
                if clock in self.clocks and not clock.expired():
                    clock.reschedule(loop.time() + seconds)

    @contextmanager
    def bounded(self, clock: asyncio.Timeout) -> Iterator[None]:
        """Let a time limit stand still while a person is waited for."""
        self.clocks.add(clock)
        try:
            yield
        finally:
            self.clocks.discard(clock)

    @contextmanager
    def waiting(self, wait: Wait) -> Iterator[None]:
        """Count a call, and all on whose behalf it is made, as waiting."""
        self.waits.add(wait)
        self.changes += 1
        self.wake()
        try:
            yield
        finally:
            self.waits.discard(wait)
            self.changes += 1

    async def until(self, wait: Wait, clock: Clock) -> None:
        """Return when a wait's time has come, never before, whatever the clock does meanwhile."""
        with self.waiting(wait):
            while wait.due is not None and (left := wait.due - clock.now()) > 0:
                await clock.sleep(min(left, CHUNK))
                self.wake()  # a clock that jumped back may have made a short wait a long one

    def only_waits(self, now: float) -> bool:
        """Return whether all that is under way waits, and for long."""
        if not self.waits or any(one.due is not None and one.due - now <= LONG for one in self.waits):
            return False
        waiting = self._waiting()
        return all(one in waiting for one in self.performing)

    def _waiting(self) -> set[str]:
        """Return the waiting calls, and everything above them: ``improve/2/review`` is below ``improve``."""
        found: set[str] = set()
        for one in self.waits:
            found.add(one.call)
            above: str | None = one.parent
            while above is not None and above not in found:
                found.add(above)
                above = self.performing.get(above) or _above(above)
        return found


def _above(path: str) -> str | None:
    return path.rpartition("/")[0] or None
