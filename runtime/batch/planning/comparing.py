"""Source rows against what is known of them, partition by partition: new, changed, to be redone, unchanged, gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..arrow import Column, compute, last_of_each, nothing, one_array
from ..canonical import DIGEST
from ..fingerprints import StageKey
from ..history import Leftovers
from ..model import FINGERPRINT, KEY, PLACE, STATE, VERSION, memo_fingerprint, memo_place
from ..partitions import BUCKETS, KnownRows, bucket_of
from ..spill import Buckets, Rows
from .reading import BAD, DELETED, FLAG, HASH, LIVE, ROW


@dataclass(frozen=True, slots=True)
class Rules:
    """By what rows are judged."""

    stages: tuple[StageKey, ...]
    known_stages: dict[str, str]
    """Stage fingerprints of the basis, by name, in order."""
    full: bool
    """The source is a full snapshot: what it doesn't name is gone."""
    propagate: bool
    """What is gone is deleted."""
    retry_dead: bool = False
    only_dead: bool = False
    """Nothing but dead rows is done: what else is new, or changed, is left to the next run."""
    everything: bool = False
    """Unchanged rows are written again too (a sink that is replaced)."""
    rebuild: bool = False
    """The sink has lost its rows: what was done is done again, from what is stored."""

    @property
    def first_changed(self) -> int | None:
        """The place of the first stage that differs from the basis; None where none does."""
        before, now = list(self.known_stages.items()), [(key.name, key.fingerprint) for key in self.stages]
        if before == now:
            return None
        same = [one == other for one, other in zip(before, now, strict=False)]
        return same.index(False) if False in same else len(same)

    @property
    def same_shape(self) -> bool:
        """Whether the stages have the names that they had, in the same order."""
        return list(self.known_stages) == [key.name for key in self.stages]


@dataclass
class Verdicts:
    """How the rows of a source were judged. ``chosen`` holds the rows to be done, by block of source rows."""

    chosen: Buckets
    new: int = 0
    changed: int = 0
    redo: int = 0
    unchanged: int = 0
    superseded: int = 0
    still_dead: int = 0
    """Of the unchanged rows, those that are dead since an earlier run."""
    left: int = 0
    """New and changed rows that are left to the next run."""
    fresh_dead: int = 0
    """Rows that don't fit their type and weren't known to."""
    deletes: list[str] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.new or self.changed or self.redo or self.fresh_dead or self.deletes)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is compared."""

    rules: Rules
    rows: Rows
    keys: Buckets
    known: KnownRows
    leftovers: Leftovers
    partitions: int

    def judge(self, folder: Path) -> Verdicts:
        """Judge every partition, one after the other; chosen rows are kept in ``folder``."""
        verdicts = Verdicts(Buckets(folder))
        for index in range(self.partitions):
            self._partition(index, verdicts)
        return verdicts

    def _partition(self, index: int, verdicts: Verdicts) -> None:
        seen = self._gathered(self.keys, index)
        known = self.known.load(index)
        touched = self._gathered(self.leftovers.touched, index)
        if seen is not None:
            latest = last_of_each(seen, KEY).combine_chunks()
            verdicts.superseded += seen.num_rows - latest.num_rows
            self._judge_seen(index, latest, known, touched, verdicts)
            seen = latest
        if self.rules.propagate:
            verdicts.deletes += self._gone(seen, known, touched)

    def _gathered(self, buckets: Buckets, index: int) -> pa.Table | None:
        """Return the rows of one partition from the buckets that it covers, or from its share of one."""
        if self.partitions <= BUCKETS:
            width = BUCKETS // self.partitions
            found = [table for bucket in range(index * width, (index + 1) * width) if (table := buckets.read(bucket)) is not None]
            return pa.concat_tables(found, promote_options="permissive").combine_chunks() if found else None
        table = buckets.read(index * BUCKETS // self.partitions)
        return None if table is None else table.filter(compute.equal(bucket_of(one_array(table[HASH]), self.partitions), index))

    def _judge_seen(self, index: int, seen: pa.Table, known: pa.Table | None, touched: pa.Table | None, verdicts: Verdicts) -> None:
        at = _find(seen, known)
        is_known = at.is_valid()
        live = compute.equal(seen[FLAG], LIVE)
        same = _falsy(compute.equal(seen[VERSION], _taken(known, VERSION, at, DIGEST)))
        again = compute.or_(self._stale(known, at), _find(seen, touched).is_valid())
        new = compute.and_(live, compute.invert(is_known))
        changed = compute.and_(compute.and_(live, is_known), compute.invert(same))
        stays = compute.and_(compute.and_(live, is_known), same)
        redo = compute.and_(stays, again)
        dead = _falsy(compute.equal(_taken(known, STATE, at, pa.string()), "dead"))
        if self.rules.only_dead:
            verdicts.left += _count(new) + _count(compute.and_(changed, compute.invert(dead)))
            new, changed, redo = (compute.and_(rows, dead) for rows in (new, changed, stays))  # what is new has never died
        verdicts.new += _count(new)
        verdicts.changed += _count(changed)
        verdicts.redo += _count(redo)
        verdicts.unchanged += _count(stays) - _count(redo)
        verdicts.still_dead += _count(compute.and_(compute.and_(stays, compute.invert(redo)), dead))
        verdicts.fresh_dead += _count(compute.and_(compute.equal(seen[FLAG], BAD), compute.invert(same)))
        wanted = compute.or_(compute.or_(new, changed), stays if self.rules.everything else redo)
        self._choose(index, seen.filter(wanted), known, one_array(at.filter(wanted)), verdicts)

    def _stale(self, known: pa.Table | None, at: Column) -> Column:
        """Return which known rows must be done again although their source is as it was."""
        first = self.rules.first_changed
        again = [name for name, wanted in (("dead", self.rules.retry_dead), ("done", self.rules.rebuild)) if wanted]
        if known is None or (first is None and not again):
            return pa.array([False] * len(at), pa.bool_())
        state = _taken(known, STATE, at, pa.string())
        stale = compute.is_in(state, value_set=pa.array(again, pa.string()))
        if first is not None:
            stale = compute.or_(stale, compute.invert(self._filtered_before(first, known, at, state)))
        return _falsy(stale)

    def _filtered_before(self, first: int, known: pa.Table, at: Column, state: Column) -> Column:
        """Return which rows were filtered by a stage before the first one that changed: they don't reach it."""
        result = pa.array([False] * len(at), pa.bool_())
        for key in self.rules.stages[:first]:
            if memo_place(key.name) in known.schema.names:
                gone = compute.equal(_taken(known, memo_place(key.name), at, pa.string()), "filtered")
                result = compute.or_(result, _falsy(gone))
        return _falsy(compute.and_(result, compute.equal(state, "filtered")))

    def _choose(self, index: int, rows: pa.Table, known: pa.Table | None, at: Column, verdicts: Verdicts) -> None:
        if not rows.num_rows:
            return
        chosen = rows.select([ROW, KEY, VERSION])
        for stage in self.rules.stages:
            for name, column in self._memo(index, stage.name, rows, known, at).items():
                chosen = chosen.append_column(name, column)
        verdicts.chosen.scatter(chosen, self.rows.block_of(one_array(chosen[ROW])))

    def _memo(self, index: int, stage: str, rows: pa.Table, known: pa.Table | None, at: Column) -> dict[str, Column]:
        """Return what is known of a stage's outcomes: of unfinished plans of work first, of the basis else."""
        fingerprints = _taken(known, memo_fingerprint(stage), at, DIGEST)
        places = _taken(known, memo_place(stage), at, pa.string())
        for bucket in self._buckets(index):
            fresh = self.leftovers.memos_of(bucket, stage)
            if fresh is not None:
                found = _find(rows, fresh)
                fingerprints = compute.coalesce(_taken(fresh, FINGERPRINT, found, DIGEST), fingerprints)
                places = compute.coalesce(_taken(fresh, PLACE, found, pa.string()), places)
        return {memo_fingerprint(stage): fingerprints, memo_place(stage): places}

    def _buckets(self, index: int) -> Iterator[int]:
        if self.partitions <= BUCKETS:
            width = BUCKETS // self.partitions
            yield from range(index * width, (index + 1) * width)
        else:
            yield index * BUCKETS // self.partitions

    def _gone(self, seen: pa.Table | None, known: pa.Table | None, touched: pa.Table | None) -> list[str]:
        """Return keys that an earlier run may have written and that the source no longer has (or says are deleted)."""
        gone: list[Any] = []
        for table in (known, touched):
            if table is None:
                continue
            keys = one_array(table[KEY])
            at = _find(table, seen)
            flags = _taken(seen, FLAG, at, pa.int8())
            missing = compute.equal(compute.fill_null(flags, DELETED if self.rules.full else LIVE), DELETED)
            gone += keys.filter(missing).to_pylist()
        return sorted(set(gone))


def _find(table: pa.Table, among: pa.Table | None) -> Column:
    """Return where each key of a table stands in another one (int32, null where it doesn't)."""
    keys = one_array(table[KEY])
    if among is None or not among.num_rows:
        return nothing(len(keys), pa.int32())
    found: Column = compute.index_in(keys, value_set=one_array(among[KEY]))
    return found


def _taken(table: pa.Table | None, name: str, at: Column, kind: pa.DataType) -> Column:
    if table is None or name not in table.schema.names:
        return nothing(len(at), kind)
    taken: Column = one_array(table[name]).cast(kind).take(at)
    return taken


def _falsy(mask: Any) -> Column:
    return one_array(compute.fill_null(mask, False))  # noqa: FBT003 - the value that stands for unknown


def _count(mask: Any) -> int:
    return compute.sum(mask).as_py() or 0
