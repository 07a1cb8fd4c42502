"""Who works and who only waits: a run parks when nothing but long waits is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .ports import Clock
from .stopping import Writes

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


@dataclass(eq=False)
class Bounded:
    """A limit of time of one call. It stands still while something below that call waits, however many do."""

    clock: asyncio.Timeout
    call: str
    _stops: int = 0
    _left: float | None = None

    def stop(self) -> None:
        """Stand still."""
        self._stops += 1
        when = self.clock.when()
        if self._stops == 1 and when is not None:
            self._left = when - asyncio.get_running_loop().time()
            self.clock.reschedule(None)

    def go_on(self) -> None:
        """Go on, once nothing waits any more."""
        self._stops -= 1
        if self._stops == 0 and self._left is not None and not self.clock.expired():
            self.clock.reschedule(asyncio.get_running_loop().time() + self._left)


@dataclass(slots=True)
class Working:
    """A call that is performed within a block. A class: a generator that does the same takes three times as long."""

    idle: Idle
    call: str
    parent: str

    def __enter__(self) -> None:
        self.idle.performing[self.call] = self.parent
        self.idle.changes += 1

    def __exit__(self, *_: object) -> None:
        self.idle.performing.pop(self.call, None)
        self.idle.changes += 1
        if self.idle.waits:
            self.idle.wake()


@dataclass
class Idle:
    """The calls that are performed, and the waits that are open, of one run."""

    performing: dict[str, str] = field(default_factory=dict)
    """Steps and calls under way, to what they are made for; steps by their paths."""
    waits: set[Wait] = field(default_factory=set)
    writes: Writes = field(default_factory=Writes)
    """Those that have begun: they are let end."""
    limits: set[Bounded] = field(default_factory=set)
    changes: int = 0
    wake: Callable[[], None] = lambda: None
    """Called when a wait begins, so that whoever parks looks again."""

    def working(self, call: str, parent: str) -> Working:
        """Count a call as performed within a block."""
        return Working(self, call, parent)

    @contextmanager
    def undecided(self, call: str = "") -> Iterator[None]:
        """Let a call wait before it begins, a write too: it may be cancelled then, and what bounds its time stands still.

        Only what is above that call: the limits of another branch go on.
        """
        self.writes.rest()
        above = set(self._upwards(call))
        stopped = [one for one in self.limits if one.call in above]
        for one in stopped:
            one.stop()
        try:
            yield
        finally:
            for one in stopped:
                if one in self.limits:
                    one.go_on()

    @contextmanager
    def bounded(self, clock: asyncio.Timeout, call: str = "") -> Iterator[None]:
        """Let the time limit of a call stand still while something below it waits for a person, or until it may begin."""
        limit = Bounded(clock, call)
        self.limits.add(limit)
        try:
            yield
        finally:
            self.limits.discard(limit)

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
            for above in self._upwards(one.parent):
                if above in found:
                    break
                found.add(above)
        return found

    def _upwards(self, call: str) -> Iterator[str]:
        """Yield a call or a path, and everything on whose behalf it is made."""
        above: str | None = call
        while above is not None:
            yield above
            above = self.performing.get(above) or _above(above)


def _above(path: str) -> str | None:
    return path.rpartition("/")[0] or None
