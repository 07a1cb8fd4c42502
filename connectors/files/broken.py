"""Rows that can't be read, at their place among the good ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa

from ..ports import BROKEN, RAW

RAW_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that can't be read: its number in the file (from 1), what is wrong, and its text."""

    row: int
    reason: str
    text: str


Broken = Mapping[int, BrokenRow]
"""Broken rows by their place in a batch, from 0."""


def make_room(good: pa.RecordBatch, places: Collection[int]) -> pa.RecordBatch:
    """Return a batch with rows of nulls put in, so that they end at these places."""
    following = iter(range(good.num_rows))
    order = [None if place in places else next(following) for place in range(good.num_rows + len(places))]
    return good.take(pa.array(order, pa.int64()))


def blank(batch: pa.RecordBatch, places: Collection[int]) -> pa.RecordBatch:
    """Return a batch with the rows at these places made null."""
    return batch.take(pa.array([None if place in places else place for place in range(batch.num_rows)], pa.int64()))


def mark(batch: pa.RecordBatch, broken: Broken) -> pa.RecordBatch:
    """Return a batch with the two columns that tell of broken rows, or as it is where there are none."""
    if not broken:
        return batch
    found = [broken.get(place) for place in range(batch.num_rows)]
    reasons = pa.array([one and one.reason for one in found], pa.string())
    texts = pa.array([one and one.text[:RAW_LIMIT] for one in found], pa.string())
    return batch.append_column(BROKEN, reasons).append_column(RAW, texts)
