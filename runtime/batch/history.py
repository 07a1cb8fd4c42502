"""What earlier driver starts of a job left: the newest manifest, and plans of work that were never finished."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from ..failures import Corrupt, Missing
from ..journal import paths
from ..ports import Store
from .arrow import Column, compute, last_of_each, one_array
from .canonical import DIGEST
from .claims import generations
from .flushes import living, read_flush, stage_of
from .intents import announced
from .markers import MARKER
from .model import FILTERED_PLACE, FINGERPRINT, KEY, PLACE, STATE, Manifest, Marker, Work
from .partitions import BUCKETS, bucket_of, key_hashes
from .parts import read_part
from .spill import Buckets

STAGE, HASH = "stage", "hash"
_Model = TypeVar("_Model", bound=BaseModel)


def newest_manifest(store: Store, job: str) -> Manifest | None:
    """Return the newest run manifest; None before the first finished run."""
    found = (manifest_of(store, job, number) for number in reversed(generations(store, job)))
    return next((one for one in found if one is not None), None)


def manifest_of(store: Store, job: str, number: int) -> Manifest | None:
    """Return the manifest of a generation; None where it never finished, or was cleared away."""
    name = paths.manifest(job, number)
    return _parsed(store, name, Manifest) if store.exists(name) else None


def unfinished(store: Store, job: str, basis: Manifest | None) -> list[Work]:
    """Return plans of work that were written since the basis and have no manifest, oldest first."""
    after = basis.generation if basis else 0
    names = [paths.work(job, number) for number in generations(store, job) if number > after]
    return [_parsed(store, name, Work) for name in names if store.exists(name)]


def _parsed(store: Store, name: str, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(store.get(name))
    except ValidationError as error:
        raise Corrupt(
            f"{name} is damaged: {error.errors()[0]['msg']}", help="bring it back from a copy, or start anew with --run NAME"
        ) from error


def markers_of(store: Store, job: str, generation: int) -> Iterator[Marker]:
    """Yield the outcomes that a plan of work has, by group, then by shard; damaged ones count as missing."""
    folder = paths.marker(job, generation, 0, 0).rpartition("/")[0].rpartition("/")[0]
    for name in store.names(folder):
        try:
            yield MARKER.validate_json(store.get(name))
        except (Missing, ValidationError):  # a driver that does a shard again takes its markers away
            continue


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What unfinished plans of work computed and touched, by key hash bucket."""

    memos: Buckets
    touched: Buckets

    def memos_of(self, bucket: int, stage: str) -> pa.Table | None:
        """Return the newest outcome of each key in a stage: its fingerprint and place."""
        table = self.memos.read(bucket)
        if table is None:
            return None
        found = table.filter(compute.equal(table[STAGE], stage))
        return last_of_each(found, KEY).combine_chunks() if found.num_rows else None


def gather_leftovers(store: Store, job: str, works: list[Work], folder: Path) -> Leftovers:
    """Collect outcomes of unfinished plans of work, and the keys that may have reached the sink through them."""
    found = Leftovers(Buckets(folder / "memos"), Buckets(folder / "touched"))
    for work in works:
        for name in store.names(paths.flushes(job, work.generation)):
            _remember_flush(store, name, found.memos)
        for marker in markers_of(store, job, work.generation):
            if marker.outcome == "done":
                for stage in marker.parts:
                    _remember(store, marker, stage, found.memos)
        if store.names(f"{paths.generation(job, work.generation)}/sink"):
            for keys in _touched(store, work):
                _scatter(found.touched, pa.table({KEY: keys}))
    return found


def _remember(store: Store, marker: Marker, stage: str, memos: Buckets) -> None:
    ref = marker.parts[stage]
    try:
        part = read_part(store, ref)
    except Corrupt:
        return  # a damaged part is knowledge that is not there: its rows are done again
    _remember_rows(ref.name, stage, part, memos)


def _remember_flush(store: Store, name: str, memos: Buckets) -> None:
    """Remember what a shard that was never done had made; its dead rows are tried again."""
    table = read_flush(store, name)
    if table is not None:
        _remember_rows(name, stage_of(name), living(table), memos)


def _remember_rows(name: str, stage: str, part: pa.Table, memos: Buckets) -> None:
    rows = pa.array(range(part.num_rows), pa.int64()).cast(pa.string())
    there = compute.binary_join_element_wise(name, rows, "#")
    where = compute.if_else(compute.equal(part[STATE], "filtered"), FILTERED_PLACE, there)
    names = pa.array([stage] * part.num_rows, pa.string())
    told = pa.table({KEY: part[KEY], STAGE: names, FINGERPRINT: part[FINGERPRINT].cast(DIGEST), PLACE: where})
    _scatter(memos, told.filter(part[STATE].is_valid()))


def _touched(store: Store, work: Work) -> Iterator[Column]:
    yield pa.array(work.deletes, pa.string())
    for shard, ref in enumerate(work.inputs):
        try:
            yield one_array(read_part(store, ref)[KEY])
        except Corrupt as damaged:
            yield from _passed(store, work, shard, damaged)


def _passed(store: Store, work: Work, shard: int, damaged: Corrupt) -> Iterator[Column]:
    """Yield the keys of a shard whose input is damaged from what was made of it; none where it never reached the sink."""
    markers = [one for one in markers_of(store, work.job, work.generation) if one.shard == shard and one.outcome == "done"]
    known = {stage for one in markers for stage in one.parts} >= set(work.stages)
    offered = {shard for one in announced(store, work.job, work.generation) for shard in one.intent.shards}
    if not known and shard not in offered:
        return
    try:
        if not known:
            raise damaged
        for one in markers:
            for ref in (*one.parts.values(), *([one.dead] if one.dead else [])):
                yield one_array(read_part(store, ref)[KEY])
    except Corrupt as error:
        raise Corrupt(
            f"{error.message}; which of its rows are in the sink is unknown",
            help="bring it back from a copy, or start anew with --run NAME",
        ) from error


def _scatter(buckets: Buckets, table: pa.Table) -> None:
    if table.num_rows:
        hashes = key_hashes(one_array(table[KEY]))
        buckets.scatter(table.append_column(HASH, hashes), bucket_of(hashes, BUCKETS))
