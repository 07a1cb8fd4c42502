"""The rows of a shard between two stages: their keys, what they were made from, and their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from .arrow import Column, compute, one_array
from .columns import RowType, decode
from .model import FINGERPRINT, KEY, LINEAGE, STATE, VERSION

DONE, FILTERED = "done", "filtered"
NO_ROWS = pa.table(
    {
        KEY: pa.array([], pa.string()),
        VERSION: pa.array([], pa.binary(16)),
        FINGERPRINT: pa.array([], pa.binary(16)),
        STATE: pa.array([], pa.string()),
    }
)
"""The part of a stage that no row of the shard reached."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Live rows. ``values`` are the objects behind ``columns``, where a stage has just made them."""

    keys: Column
    versions: Column
    lineage: Column
    columns: Mapping[str, Column]
    values: Sequence[Any] | None = None
    made: RowType | None = field(default=None)
    """The type of ``values``."""

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, places: Sequence[int]) -> Rows:
        """Return some rows, in the order asked for."""
        if len(places) == len(self):
            return self
        at = pa.array(places, pa.int64())
        values = None if self.values is None else [self.values[place] for place in places]
        columns = {name: column.take(at) for name, column in self.columns.items()}
        return Rows(self.keys.take(at), self.versions.take(at), self.lineage.take(at), columns, values, self.made)

    def objects(self, wanted: RowType) -> list[Any]:
        """Return the rows as instances of a type, None where one doesn't fit: as they are, where they are that already."""
        if self.values is not None and self.made is not None and _is_a(self.made.annotation, wanted.annotation):
            return list(self.values)
        return decode(wanted, self.columns, len(self))

    def batch(self) -> pa.RecordBatch:
        """Return the rows as one Arrow batch: ``_key`` and the fields."""
        return pa.RecordBatch.from_arrays([self.keys, *self.columns.values()], names=[KEY, *self.columns])


def _is_a(made: Any, wanted: Any) -> bool:
    if made is wanted:
        return True
    try:
        return issubclass(made, wanted)
    except TypeError:  # a TypedDict is no class to ask
        return False


def rows_of_input(table: pa.Table) -> Rows:
    """Return the rows of a shard's input; their lineage begins as their version."""
    versions = one_array(table[VERSION])
    return Rows(one_array(table[KEY]), versions, versions, _fields(table))


def rows_of_part(table: pa.Table) -> Rows:
    """Return the rows that go on from a stage's part; the filtered ones have ended there."""
    live = table.filter(compute.equal(table[STATE], DONE))
    lineage = one_array(live[LINEAGE if LINEAGE in live.schema.names else FINGERPRINT])
    return Rows(one_array(live[KEY]), one_array(live[VERSION]), lineage, _fields(live))


def _fields(table: pa.Table) -> dict[str, Column]:
    return {name: one_array(table[name]) for name in table.schema.names if not name.startswith("_")}
