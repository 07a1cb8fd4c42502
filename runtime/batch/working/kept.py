"""What a shard under way has made so far, kept: a process that ends in the middle repeats at most one flush.

A flush (see `flushes`) counts for a row whose fingerprint is the one that it was made under.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import InvalidOperation
from typing import Any

import pyarrow as pa

from ...failures import DarnerError
from ...journal import paths
from ...perform.processes.leaving import Notice
from ...ports import Store
from ..arrow import Column, one_array
from ..flushes import DEAD, DEAD_ROW, encoded, read_flush, stage_of
from ..model import FINGERPRINT, KEY, STATE, Marker
from ..outcomes import Dead
from ..rows import DONE, FILTERED, Rows
from .metering import Meter, Used

_USED = b"darner.used"


@dataclass(frozen=True, slots=True)
class Kept:
    """Outcomes of some rows of a shard (by place) that an earlier attempt has made; ``table`` has a row for each of ``done``."""

    done: tuple[int, ...] = ()
    table: pa.Table | None = None
    filtered: tuple[int, ...] = ()
    dead: tuple[tuple[int, Dead], ...] = ()

    @property
    def places(self) -> frozenset[int]:
        """Return the places of all rows that need not be computed again."""
        return frozenset(self.done) | frozenset(self.filtered) | frozenset(place for place, _ in self.dead)


@dataclass
class Collecting:
    """What one stage has made since its last flush. ``table_of`` makes the rows of a flush of it."""

    keeper: Keeper
    stage: str
    table_of: Callable[[Sequence[Any]], pa.Table]
    news: list[Any] = field(default_factory=list)

    def add(self, news: Any) -> None:
        """Take what has just been made; it is flushed every few seconds."""
        self.news.append(news)
        if self.keeper.is_due():
            self.keeper.flush()


@dataclass
class Keeper:
    """Keeps the outcomes of one shard in one group of stages, from one attempt to the next."""

    store: Store
    job: str
    planned: int
    shard: int
    seconds: float
    """How much work of a slow stage may be lost with its process."""
    meter: Meter
    notice: Notice
    used: Used = field(default_factory=Used)
    """What the rows of all flushes cost."""
    _known: dict[str, list[pa.Table]] = field(default_factory=dict)
    _collected: list[Collecting] = field(default_factory=list)
    _count: int = 0
    _last: float = field(default_factory=time.monotonic)

    def recover(self, stages: Sequence[str]) -> None:
        """Read what earlier attempts have kept of these stages."""
        for name in self.store.names(paths.flushes(self.job, self.planned, self.shard)):
            self._count += 1
            stage = stage_of(name)
            table = read_flush(self.store, name) if stage in stages else None
            if table is not None:
                self._known.setdefault(stage, []).append(table)
                self.used += _used(table)

    def earlier(self, stage: str, rows: Rows, fingerprints: Column, besides: frozenset[int]) -> Kept:
        """Return what is kept of a stage's rows, but for the places ``besides``."""
        tables = self._known.get(stage)
        if not tables:
            return Kept()
        table = pa.concat_tables(tables, promote_options="permissive")
        known = {(row[KEY], row[FINGERPRINT]): index for index, row in enumerate(table.select([KEY, FINGERPRINT]).to_pylist())}
        pairs: Any = zip(rows.keys.to_pylist(), fingerprints.to_pylist(), strict=True)
        found = {place: known[pair] for place, pair in enumerate(pairs) if place not in besides and pair in known}
        return _sorted(table, found)

    def collecting(self, stage: str, table_of: Callable[[Sequence[Any]], pa.Table]) -> Collecting:
        """Return what collects the outcomes of a stage from now on."""
        self._collected.append(Collecting(self, stage, table_of))
        return self._collected[-1]

    def is_due(self) -> bool:
        """Return whether it is time to write again."""
        return time.monotonic() - self._last >= self.seconds

    def save(self) -> None:
        """Write what there is, since the shard ends here; what ended it is to be told, not that this failed too."""
        with suppress(DarnerError):
            self.flush()

    def flush(self) -> None:
        """Write what isn't written yet, stage by stage: what a later one has made of a row must not outlive what it was made from."""
        with self.notice.held():
            for one in self._collected:
                if one.news:
                    self._write(one.stage, one.table_of(one.news))
                    one.news.clear()
            self._last = time.monotonic()

    def _write(self, stage: str, table: pa.Table) -> None:
        used = self.meter.taken()
        content = encoded(table.replace_schema_metadata({_USED: used.as_json().encode()}))
        # Another worker may be at the same shard, if its driver believed that this one was gone.
        while not self.store.create(self._name(stage), content):
            self._count += 1
        self.used += used

    def _name(self, stage: str) -> str:
        return paths.flush(self.job, self.planned, self.shard, self._count, stage)


def used_by(store: Store, name: str) -> Used:
    """Return what the rows of a flush cost; nothing where it is damaged or gone."""
    table = read_flush(store, name)
    return Used() if table is None else _used(table)


def flushed_by(store: Store, marker: Marker, job: str, planned: int) -> Used:
    """Return what the flushes of a shard cost, as far as they are of the stages that a marker speaks of."""
    names = (name for name in store.names(paths.flushes(job, planned, marker.shard)) if stage_of(name) in marker.parts)
    return sum((used_by(store, name) for name in names), Used())


def _used(table: pa.Table) -> Used:
    try:
        return Used.of_json((table.schema.metadata or {}).get(_USED, b"{}"))
    except (ValueError, TypeError, InvalidOperation):
        return Used()


def _sorted(table: pa.Table, found: dict[int, int]) -> Kept:
    states = one_array(table[STATE]).to_pylist()
    done = [place for place, row in found.items() if states[row] == DONE]
    dead = [(place, Dead(*json.loads(table[DEAD][row].as_py()))) for place, row in found.items() if states[row] == DEAD_ROW]
    return Kept(
        tuple(done),
        table.drop_columns([DEAD]).take(pa.array([found[place] for place in done], pa.int64())) if done else None,
        tuple(place for place, row in found.items() if states[row] == FILTERED),
        tuple(dead),
    )


def as_json(dead: Dead) -> str:
    """Return a dead row's story as a flush keeps it."""
    return json.dumps([dead.failure, dead.type, dead.message, dead.attempts])
