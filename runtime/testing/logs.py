"""Journals for tests: one in memory, and one that kills its process at a commit of your choice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence

from ..events import Event, TakenUp
from ..failures import Missing
from ..ports import Json, Log, StagedLog


class MemoryLog:
    """A journal in memory. Hand ``events`` (or any first part of them) to the next one to resume a run."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = list(events)
        self.commits: list[int] = []
        """How many events there were after each commit."""
        self._epoch = 1 + sum(isinstance(one, TakenUp) for one in self.events)

    @property
    def epoch(self) -> int:
        """How often the run was taken up, this time included."""
        return self._epoch

    def read(self) -> Iterator[Event]:
        """Yield every event so far."""
        yield from list(self.events)

    def append(self, events: Sequence[Event]) -> None:
        """Keep events as one commit."""
        self.events.extend(events)
        self.commits.append(len(self.events))

    def load(self, digest: str) -> Json:
        """Raise: everything is kept in its event."""
        raise Missing(f"a journal in memory has no object {digest}")

    def hold(self, seconds: float) -> None:
        """Do nothing: nobody else can take it."""

    def look(self) -> None:
        """Do nothing: likewise."""

    def close(self) -> None:
        """Do nothing."""


class DyingLog:
    """A journal whose process gets SIGKILL right after its ``commits``-th commit is durable, or just before it is written."""

    def __init__(self, log: Log, *, commits: int, before: bool = False) -> None:
        self._log = log
        self._left = commits
        self._before = before

    @property
    def epoch(self) -> int:
        """How often the run was taken up."""
        return self._log.epoch

    def read(self) -> Iterator[Event]:
        """Yield every event so far."""
        return self._log.read()

    def append(self, events: Sequence[Event]) -> None:
        """Write one commit, and die if it is the one."""
        self.begin(events)
        self.finish()

    def begin(self, events: Sequence[Event]) -> None:
        """Write one commit, and die if it is the one: what is written outlives its process, be it durable or not."""
        self._left -= 1
        if self._left == 0 and self._before:
            _die()
        if isinstance(self._log, StagedLog):
            self._log.begin(events)
        else:
            self._log.append(events)
        if self._left == 0:
            _die()

    def finish(self) -> None:
        """Return when what was written is durable."""
        if isinstance(self._log, StagedLog):
            self._log.finish()

    def load(self, digest: str) -> Json:
        """Return a large payload."""
        return self._log.load(digest)

    def hold(self, seconds: float) -> None:
        """Make sure that nobody takes the run by mistake."""
        self._log.hold(seconds)

    def look(self) -> None:
        """Raise where another process has the run."""
        self._log.look()

    def close(self) -> None:
        """Give the run up."""
        self._log.close()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
