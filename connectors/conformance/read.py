"""What every source does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from ..errors import ConnectorError
from ..ports import Readable
from ..rows import to_rows
from .expect import Row, expect, expect_equal, texts

Factory = Callable[[Sequence[Row]], Readable]

MOST_ROWS = 65_536
ROOM = 32 << 20
"""Bytes that batches on their way may take, however large the source is."""


def _all(source: Readable, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    return [row for part in source.ranges() for _, batch in source.read(part, columns) for row in to_rows(batch)]


def every_row_comes_once_in_order(make: Factory) -> None:
    """Reading the ranges one after the other gives the rows as they stand in the source."""
    rows = texts(3000)
    expect_equal(_all(make(rows)), [dict(row) for row in rows], "the rows read are not those of the source")


def reading_again_gives_the_same(make: Factory) -> None:
    """A second reading gives the same rows under the same ranges."""
    source = make(texts(500))
    first = list(source.ranges())
    expect_equal(_all(source), _all(source), "two readings differ")
    expect_equal(list(source.ranges()), first, "the ranges changed while nothing else did")


def ranges_are_numbered_and_stand_alone(make: Factory) -> None:
    """Ranges count from 0, and each gives the same rows whether it is read first or last."""
    source = make(texts(3000))
    parts = list(source.ranges())
    expect_equal([part.number for part in parts], list(range(len(parts))), "ranges are not numbered from 0")
    forward = {part.number: [to_rows(batch) for _, batch in source.read(part)] for part in parts}
    backward = {part.number: [to_rows(batch) for _, batch in source.read(part)] for part in reversed(parts)}
    expect_equal(backward, forward, "a range depends on what was read before it")


def places_count_the_rows_of_each_file(make: Factory) -> None:
    """A batch's place is its file and the number of its first row there, from 1, with none left out."""
    source = make(texts(3000))
    following: dict[str, int] = {}
    for part in source.ranges():
        for place, batch in source.read(part):
            expect_equal(place.file, part.file, "a batch names another file than its range")
            expect_equal(place.row, following.get(place.file, 1), f"a batch of {place.file} has a wrong row number")
            following[place.file] = place.row + batch.num_rows
    expect_equal(sum(row - 1 for row in following.values()), 3000, "the places don't count all rows")


def only_the_columns_asked_for_are_read(make: Factory) -> None:
    """Batches hold what was asked for, in that order, and nothing else."""
    source = make(texts(50))
    for part in source.ranges():
        for _, batch in source.read(part, ["title ä", "sku"]):
            expect_equal(batch.schema.names, ["title ä", "sku"], "a batch has other columns than asked for")
    rows = [{"no te": row["no te"]} for row in texts(50)]
    expect_equal(_all(source, ["no te"]), rows, "a column read alone differs")


def columns_are_named(make: Factory) -> None:
    """The names of the columns are known without reading all rows."""
    expect_equal(list(make(texts(50)).columns()), ["sku", "title ä", "no te"], "the columns are not those of the source")


def a_source_without_rows_is_no_error(make: Factory) -> None:
    """An empty source gives no rows; whether that is right is for others to say."""
    expect_equal(_all(make([])), [], "an empty source gives rows")


def identity_is_stable(make: Factory) -> None:
    """The identity is a text that reading doesn't change."""
    source = make(texts(50))
    before = source.identity()
    _all(source)
    expect(bool(before) and before == source.identity(), "the identity is empty or changed by reading")


def batches_are_small(make: Factory) -> None:
    """A batch has at most 65,536 rows, and what is read is not held: memory doesn't grow with the source."""
    source = make([{"sku": str(number), "title ä": "x" * 2000, "no te": None} for number in range(40_000)])
    before = pa.total_allocated_bytes()
    for part in source.ranges():
        for _, batch in source.read(part):
            expect(0 < batch.num_rows <= MOST_ROWS, f"a batch has {batch.num_rows} rows")
            grown = pa.total_allocated_bytes() - before
            expect(grown < ROOM, f"{grown >> 20} MiB are held while a batch of {batch.nbytes >> 20} MiB is read")


def an_unknown_column_is_refused_or_null(make: Factory) -> None:
    """A column that isn't there is a ConnectorError, or null in every row where rows name their own columns."""
    source = make(texts(5))
    try:
        rows = _all(source, ["sku", "nowhere"])
    except ConnectorError:
        return
    expect_equal([row["nowhere"] for row in rows], [None] * 5, "a column that isn't there has values")


CHECKS = (
    every_row_comes_once_in_order,
    reading_again_gives_the_same,
    ranges_are_numbered_and_stand_alone,
    places_count_the_rows_of_each_file,
    only_the_columns_asked_for_are_read,
    columns_are_named,
    a_source_without_rows_is_no_error,
    identity_is_stable,
    batches_are_small,
    an_unknown_column_is_refused_or_null,
)
