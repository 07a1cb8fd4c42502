"""The attempt ledger of a job: what attempts at shards cost that failed, or whose outcome is made again.

One object an attempt, written once by the driver, under ``failed/``: a marker holds only what became of a shard at last,
and a worker that is killed leaves none. An entry's name says how an attempt ended::

    <group>/<shard>-<attempt>.failed-<class>.json     its marker says why, and another attempt may follow
    <group>/<shard>-<attempt>.last-<class>.json       likewise, and its reaction was used up
    <group>/<shard>-<attempt>.unseen-<class>.json     it left no marker: its worker was killed, or its driver
    <group>/<shard>-<attempt>.made.json               it was done; what it had made was damaged, and is made again

An entry holds a `metering.Used`. What rows cost that a flush holds stands there, and in no entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import InvalidOperation
from typing import Literal, NamedTuple, TypeAlias

from ...compiler.settings import FailureClass
from ..failures import Corrupt, Missing
from ..journal import paths
from ..ledger import Totals
from ..ports import Store
from .model import Marker
from .working.metering import Used

How: TypeAlias = Literal["failed", "last", "unseen", "made"]
_NAME = re.compile(r"/(\d+)/(\d+)-(\d+)\.(failed|last|unseen|made)(?:-(\w+))?\.json$")
_PROCESS_ENDED = frozenset({"oom", "preempted", "crashed"})
"""Where the process was ended, nobody knows what its model calls under way used."""


class Tried(NamedTuple):
    """One attempt at a shard in a group of stages."""

    group: int
    shard: int
    attempt: int


class _Entry(NamedTuple):
    tried: Tried
    how: str
    failure: str | None


@dataclass
class JobLedger:
    """What attempts of one plan of work cost that came to nothing; ``asking`` are the groups that ask models."""

    store: Store
    job: str
    planned: int
    asking: frozenset[int] = frozenset()
    _entries: list[_Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._entries += [entry for name in self.store.names(paths.failed_attempts(self.job, self.planned)) if (entry := _read_name(name))]

    def failed(self, tried: Tried, failure: FailureClass, how: How, *, seconds: float = 0.0, waited: float = 0.0) -> None:
        """Write down an attempt that failed, unless it is written down; ``waited``: in seconds, for the next one."""
        if any(one.tried == tried and one.how != "made" for one in self._entries):
            return
        is_new = all(one.tried[:2] != tried[:2] or one.failure != failure for one in self._entries)
        unknown = int(tried.group in self.asking and failure in _PROCESS_ENDED)
        cost = Totals(attempts=1, calls=int(is_new), seconds=max(0.0, seconds), waited=waited, unknown=unknown)
        self._write(_Entry(tried, how, failure), Used(failures={failure: cost}))

    def made(self, marker: Marker, flushed: Used) -> None:
        """Write down what a shard had cost that is made again, but for what its flushes, which are kept, say that they cost."""
        used = Used(marker.calls, marker.tokens, marker.cost, marker.failures).less(flushed)
        if used != Used():
            self._write(_Entry(Tried(marker.group, marker.shard, marker.attempt), "made", None), used)

    def crashes(self, group: int, shard: int) -> int:
        """Return how many attempts at a shard have crashed since its reaction was used up last; those that nobody saw end don't count."""
        mine = [one for one in self._entries if one.tried[:2] == (group, shard)]
        last = max((one.tried.attempt for one in mine if one.how == "last"), default=0)
        return sum(one.how == "failed" and one.failure == "crashed" and one.tried.attempt > last for one in mine)

    def _write(self, entry: _Entry, used: Used) -> None:
        how = entry.how if entry.failure is None else f"{entry.how}-{entry.failure}"
        name = paths.failed_attempt(self.job, self.planned, *entry.tried, how)
        self.store.create(name, used.as_json().encode())
        self._entries.append(entry)


def _read_name(name: str) -> _Entry | None:
    found = _NAME.search(name)
    return _Entry(Tried(int(found[1]), int(found[2]), int(found[3])), found[4], found[5]) if found else None


def entries(store: Store, names: Sequence[str]) -> Iterator[tuple[str, Tried, Used]]:
    """Yield what attempts cost, by the names of their entries; damaged ones count as missing."""
    for name in names:
        entry = _read_name(name)
        if entry is None:
            continue
        try:
            yield name, entry.tried, Used.of_json(store.get(name))
        except (Missing, Corrupt, ValueError, TypeError, InvalidOperation):
            continue
