"""Outcomes of earlier runs: which rows of a shard have one that still holds, and the stored rows themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydantic import ValidationError

from ...failures import Corrupt, Missing
from ...ports import Store
from ..arrow import Column
from ..flushes import is_flush, living, read_flush
from ..markers import MARKER
from ..model import FINGERPRINT, KEY, PLACE, STATE, PartRef
from ..parts import read_part
from ..rows import DONE, Rows


@dataclass(frozen=True, slots=True)
class Found:
    """Stored outcomes of some rows of a shard: their places among the shard's rows, and their fields."""

    done: tuple[int, ...] = ()
    table: pa.Table | None = None
    """One row for each of ``done``."""
    filtered: tuple[int, ...] = ()

    @property
    def places(self) -> frozenset[int]:
        """Return the places of all rows that need not be computed."""
        return frozenset(self.done) | frozenset(self.filtered)


@dataclass(frozen=True, slots=True)
class Memory:
    """The memo columns of a shard's input, by row."""

    table: pa.Table
    store: Store

    def find(self, stage: str, rows: Rows, fingerprints: Column) -> Found:
        """Return the stored outcomes of those rows whose fingerprint in a stage is the one remembered."""
        hits = self._hits(stage, rows, fingerprints)
        by_part: dict[str, list[tuple[int, int]]] = defaultdict(list)
        filtered = []
        for place, where in hits.items():
            name, _, row = where.rpartition("#")
            if name:
                by_part[name].append((place, int(row)))
            else:
                filtered.append(place)
        return self._loaded(by_part, filtered, rows)

    def _hits(self, stage: str, rows: Rows, fingerprints: Column) -> dict[int, str]:
        memo, at = f"{FINGERPRINT}.{stage}", f"{PLACE}.{stage}"
        if not {memo, at} <= set(self.table.schema.names):
            return {}
        known = dict(
            zip(self.table[KEY].to_pylist(), zip(self.table[memo].to_pylist(), self.table[at].to_pylist(), strict=True), strict=True)
        )
        found = {}
        for place, (key, fingerprint) in enumerate(zip(rows.keys.to_pylist(), fingerprints.to_pylist(), strict=True)):
            remembered, where = known.get(key, (None, None))
            if where is not None and remembered == fingerprint:
                found[place] = where
        return found

    def _loaded(self, by_part: Mapping[str, Sequence[tuple[int, int]]], filtered: list[int], rows: Rows) -> Found:
        places: list[int] = []
        tables = []
        for name, pairs in by_part.items():
            taken = self._taken(name, pairs, rows)
            if taken is not None:
                places += [place for place, _ in pairs]
                tables.append(taken)
        # Fields may have been added to a type since: what an old part lacks is null.
        table = pa.concat_tables(tables, promote_options="permissive") if tables else None
        return Found(tuple(places), table, tuple(filtered))

    def _taken(self, name: str, pairs: Sequence[tuple[int, int]], rows: Rows) -> pa.Table | None:
        """Return rows of an old part; None where it isn't what was written, so that they are computed again."""
        table = _stored(self.store, name)
        wanted = [row for _, row in pairs]
        if table is None or max(wanted) >= table.num_rows:
            return None
        taken = table.take(pa.array(wanted, pa.int64()))
        keys = [rows.keys[place].as_py() for place, _ in pairs]
        return taken if taken[KEY].to_pylist() == keys and set(taken[STATE].to_pylist()) == {DONE} else None


def _stored(store: Store, name: str) -> pa.Table | None:
    """Return an old part, or what was flushed of one; None where it isn't what was written."""
    if is_flush(name):
        flushed = read_flush(store, name)
        return None if flushed is None else living(flushed)
    ref = part_written(store, name)
    try:
        return read_part(store, ref) if ref else None
    except Corrupt:
        return None


def part_written(store: Store, name: str) -> PartRef | None:
    """Return what the marker beside an old part knows of it; None where no marker names it."""
    pieces = name.split("/")
    generation, stage, shard = "/".join(pieces[:3]), pieces[4], int(pieces[5].partition(".")[0])
    for group in store.folders(f"{generation}/markers"):
        marker = f"{generation}/markers/{group}/{shard:06d}.json"
        try:
            found = MARKER.validate_json(store.get(marker)).parts.get(stage)
        except (Missing, ValidationError):
            continue
        if found is not None:
            return found
    return None
