"""A finished run becomes what is known: row states by partition, then the manifest, then the old is cleared away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ...failures import Missing
from ...journal import paths
from ...ports import Store
from ..arrow import Column, compute, nothing, one_array, write_packed
from ..canonical import DIGEST
from ..history import newest_manifest
from ..model import FILTERED_PLACE, FINGERPRINT, KEY, STATE, VERSION, Manifest, Marker, PartRef, Work, memo_fingerprint, memo_place
from ..partitions import BUCKETS, MAX_DELTAS, KnownRows, bucket_of, key_hashes, merged, state_schema
from ..parts import read_outcome, read_planned
from ..spill import Buckets, temporary_folder
from .sweep import sweep

MIXED = ""
"""What stands for the fingerprint of a stage whose outcomes some rows have of its old code, and some of its new."""


def finalise(store: Store, work: Work, markers: Sequence[Marker], counts: Mapping[str, Any] | None = None) -> Manifest:
    """Record what a run did, once every shard has its outcome and the sink has it all; return the manifest.

    Row states first, the manifest last, then what neither it nor the one before names is removed. Called again after a
    crash it does the same again.

    Raises:
        Missing: a shard has no marker that says done.
        DamagedPart: a part or the dead letters of a shard are not what was written: the shard must be done again.
        DamagedPlan: the same of what was written while planning.
        Corrupt: an earlier row state is not what was written.
    """
    basis = newest_manifest(store, work.job)
    if basis is not None and basis.generation == work.generation:
        sweep(store, basis)
        return basis
    with temporary_folder("finalise") as folder:
        deltas = Buckets(folder / "deltas")
        count = max(work.partitions, BUCKETS)
        for table in _states(store, work, markers):
            deltas.scatter(table, bucket_of(key_hashes(one_array(table[KEY])), count))
        manifest = _Recorder(store, work, basis).record(deltas, count // work.partitions, counts or {})
    store.put(paths.manifest(work.job, work.generation), manifest.model_dump_json().encode())
    store.delete(paths.flushes(work.job, work.generation))
    sweep(store, manifest, basis)
    return manifest


def _states(store: Store, work: Work, markers: Sequence[Marker]) -> Iterator[pa.Table]:
    """Yield the new states: of each shard's rows, of source rows that don't fit, of deleted keys."""
    by_shard: dict[int, list[Marker]] = {}
    for marker in markers:
        by_shard.setdefault(marker.shard, []).append(marker)
    for shard, ref in enumerate(work.inputs):
        yield _shard_states(store, work, ref, _Outcome.of(store, by_shard.get(shard, []), shard, work))
    schema = state_schema(list(work.stages))
    if work.source_dead is not None:
        dead = read_planned(store, work.source_dead)
        dead = dead.filter(dead[KEY].is_valid()).select([KEY, VERSION])
        yield _filled(dead.append_column(STATE, pa.array(["unfit"] * dead.num_rows, pa.string())), schema)
    if work.deletes:
        gone = pa.table({KEY: pa.array(work.deletes, pa.string()), STATE: pa.array(["deleted"] * len(work.deletes), pa.string())})
        yield _filled(gone, schema)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one shard: the marker that knows of each stage's part, and the keys that are dead."""

    markers: Mapping[str, Marker]
    dead: frozenset[str]

    @classmethod
    def of(cls, store: Store, markers: Sequence[Marker], shard: int, work: Work) -> _Outcome:
        done = [one for one in markers if one.outcome == "done"]
        by_stage = {stage: one for one in done for stage in one.parts}
        lacking = [stage for stage in work.stages if stage not in by_stage]
        if lacking:
            raise Missing(f"shard {shard} of {work.job} has no outcome in {', '.join(lacking)}", help="run the job again; it goes on there")
        dead = [key for one in done if one.dead is not None for key in read_outcome(store, one, one.dead)[KEY].to_pylist() if key]
        return cls(by_stage, frozenset(dead))


def _shard_states(store: Store, work: Work, ref: PartRef, outcome: _Outcome) -> pa.Table:
    """Return the states of a shard's rows. A row that died keeps what is known of the stages that it didn't reach."""
    given = read_planned(store, ref)
    keys = one_array(given[KEY])
    states = given.select([KEY, VERSION])
    filtered = last = pa.array([False] * len(keys), pa.bool_())
    memos: list[tuple[str, Column]] = []
    for stage in work.stages:
        marker = outcome.markers[stage]
        part = read_outcome(store, marker, marker.parts[stage])
        at = compute.index_in(keys, value_set=one_array(part[KEY]))
        gone = one_array(compute.equal(part[STATE], "filtered"))
        numbers = pa.array(range(part.num_rows), pa.int64()).cast(pa.string())
        where = compute.if_else(gone, FILTERED_PLACE, compute.binary_join_element_wise(marker.parts[stage].name, numbers, "#"))
        memos += [
            (memo_fingerprint(stage), _laid_over(one_array(part[FINGERPRINT]), at, given, memo_fingerprint(stage), DIGEST)),
            (memo_place(stage), _laid_over(one_array(where), at, given, memo_place(stage), pa.string())),
        ]
        last = at.is_valid()
        filtered = compute.or_(filtered, compute.fill_null(gone.take(at), False))  # noqa: FBT003 - the value for unknown
    alive = compute.if_else(filtered, "filtered", compute.if_else(last, "done", "dead"))
    dead = compute.is_in(keys, value_set=pa.array(sorted(outcome.dead), pa.string()))
    states = states.append_column(STATE, compute.if_else(dead, "dead", alive))
    for name, column in memos:
        states = states.append_column(name, column)
    return states.select(state_schema(list(work.stages)).names).cast(state_schema(list(work.stages)))


def _laid_over(fresh: Column, at: Column, given: pa.Table, name: str, kind: pa.DataType) -> Column:
    before = one_array(given[name]) if name in given.schema.names else nothing(len(at), kind)
    laid: Column = compute.coalesce(fresh.cast(kind).take(at), before.cast(kind))
    return laid


def _filled(table: pa.Table, schema: pa.Schema) -> pa.Table:
    for field in schema:
        if field.name not in table.schema.names:
            table = table.append_column(field, nothing(table.num_rows, field.type))
    return table.select(schema.names).cast(schema)


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Writes the deltas of a run and what the manifest says of them."""

    store: Store
    work: Work
    basis: Manifest | None

    def record(self, deltas: Buckets, width: int, counts: Mapping[str, Any]) -> Manifest:
        """Write a delta for every partition that changed (for all, where partitions were split), and count."""
        known = KnownRows(self.store, self.basis, self.work.partitions)
        split = self.basis is not None and self.basis.partitions != self.work.partitions
        rows: dict[str, tuple[PartRef, ...]] = {} if split or self.basis is None else dict(self.basis.rows)
        places: dict[str, tuple[int, ...]] = {} if split or self.basis is None else dict(self.basis.places)
        live = 0 if split or self.basis is None else self.basis.live
        for index in range(self.work.partitions):
            found = [table for bucket in range(index * width, (index + 1) * width) if (table := deltas.read(bucket)) is not None]
            if not found and not split:
                continue
            before = known.load(index)
            fresh = _with_unfit(pa.concat_tables(found), before) if found else None
            after = merged([table for table in (before, fresh) if table is not None])
            live += (after.num_rows if after else 0) - (before.num_rows if before and not split else 0)
            kept = rows.get(str(index), ())
            whole = split or len(kept) >= MAX_DELTAS
            written = after if whole else fresh
            if written is None:
                continue
            name = paths.partition(self.work.job, self.work.generation, index)
            rows[str(index)] = (*(() if whole else kept), write_packed(self.store, name, written))
            places[str(index)] = tuple(sorted(_generations(after, self.work.stages)))
        return Manifest(
            job=self.work.job,
            generation=self.work.generation,
            stages=self._stages(),
            partitions=self.work.partitions,
            rows=rows,
            places=places,
            live=live,
            counts=dict(counts),
        )

    def _stages(self) -> dict[str, str]:
        """Return the stage fingerprints that hold of all rows: none, of a stage that was changed when only dead rows were done."""
        if not self.work.only_dead or self.basis is None:
            return self.work.stages
        before = self.basis.stages
        return {name: fingerprint if before[name] == fingerprint else MIXED for name, fingerprint in self.work.stages.items()}


def _with_unfit(fresh: pa.Table, known: pa.Table | None) -> pa.Table:
    """Give source rows that don't fit their type what is known of their last good version; they are dead."""
    unfit = compute.equal(fresh[STATE], "unfit")
    states = compute.if_else(unfit, "dead", fresh[STATE])
    fresh = fresh.set_column(fresh.schema.get_field_index(STATE), STATE, states)
    if known is None or not compute.any(unfit).as_py():
        return fresh
    at = compute.if_else(one_array(unfit), compute.index_in(one_array(fresh[KEY]), value_set=one_array(known[KEY])), None)
    for name in fresh.schema.names[3:]:
        if name in known.schema.names:
            kept = compute.coalesce(one_array(fresh[name]), one_array(known[name]).take(at))
            fresh = fresh.set_column(fresh.schema.get_field_index(name), fresh.schema.field(name), kept)
    return fresh


def _generations(states: pa.Table | None, stages: Mapping[str, str]) -> set[int]:
    """Return the generations whose parts a partition's row states name."""
    found: set[int] = set()
    for stage in stages if states is not None else ():
        assert states is not None  # noqa: S101 - the line above
        if memo_place(stage) in states.schema.names:
            parts = compute.unique(compute.replace_substring_regex(states[memo_place(stage)], "#.*$", ""))
            found |= {int(name.split("/")[2]) for name in parts.to_pylist() if name and name != FILTERED_PLACE}
    return found
