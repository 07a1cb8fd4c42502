"""What a connector does, one verb a Protocol. A connector implements those that its system can.

*Built* by `registry.connect`: the entries of a dataset's ``with`` are keyword arguments of the connector's class (or of
the callable that makes it), and ``key``, ``fields`` and ``base`` are handed over where its signature names them.

*Rows that can't be read* (a CSV row with too many cells, a line that is no JSON) don't end a read. They keep their place
in a batch, with null in every column, and such a batch carries two more columns, both strings::

    _broken   null for a good row, else what is wrong with it
    _raw      null for a good row, else its text as it stands in the source, cut to 2,000 characters

A batch without the column ``_broken`` has none.

*Columns.* CSV columns are strings (an empty cell without quotes is null), so that ``00123`` stays what it is. JSON values
keep their types; a column whose values don't share one scalar type (objects, numbers among texts) arrives as Arrow's
``arrow.json``, one JSON text a value. Types may differ from batch to batch, values never do; `rows.to_rows` gives them
as Python values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

BROKEN = "_broken"
RAW = "_raw"
GENERATION = "_darner_generation"
SHARD = "_darner_shard"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source row stands, for messages: its file and its row number (from 1)."""

    file: str
    row: int


@dataclass(frozen=True, slots=True)
class SourceRange:
    """A stretch of a source that can be read on its own, in source order: a file, and a range within it."""

    number: int
    file: str
    start: int = 0
    stop: int | None = None


@runtime_checkable
class Readable(Protocol):
    """Rows can be read, streaming, in a stable order."""

    def ranges(self) -> Sequence[SourceRange]:
        """Return the parts of the source in (file, row) order; ConnectorError where nothing is there."""
        ...

    def columns(self) -> Sequence[str]:
        """Return the names of the columns that the source has, to be compared with the dataset's type.

        Empty where the source has no row and nothing else that names them (an empty JSONL file).
        """
        ...

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        """Yield batches of one range with the place of their first row; only ``columns`` where given.

        A row that can't be read is marked (see ``_broken`` above); ConnectorError where the file can't be read at all.
        """
        ...

    def identity(self) -> str:
        """Return a text that is equal as long as this is the same source (not: the same content)."""
        ...


@runtime_checkable
class Upsertable(Protocol):
    """Rows can be written by key, by one writer at a time.

    Every row carries ``_darner_generation`` (int64) and ``_darner_shard`` (int64), and the schema given to `open` names
    them. A row replaces one of the same key only if its generation is not lower; of equal keys in one call the last of
    the highest generation is kept. A null key is a ConnectorError. One call of `append` or `upsert` may write nothing,
    all or the first part of its rows when it is killed, never part of a row.
    """

    def open(self, schema: pa.Schema, key: str) -> None:
        """Make the table where there is none; ConnectorError where there is one that doesn't fit."""
        ...

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        """Add rows that are known to be new; return how many."""
        ...

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:
        """Insert or replace rows by key, never one of a higher generation; return how many rows were offered."""
        ...

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        """Remove the rows that an unfinished append of these shards left."""
        ...

    def delete(self, keys: Sequence[Any], key: str) -> int:
        """Remove rows by key, each a value of the key's type or its text; return how many keys were offered."""
        ...

    def finish(self) -> None:
        """Build indexes and clean up, once, after the last write."""
        ...

    def identity(self) -> str:
        """Return a text that is equal as long as this is the same sink."""
        ...


@runtime_checkable
class Preparable(Protocol):
    """Can say that it can't be written before anything is computed for it."""

    def refuse_unwritable(self) -> None:
        """Raise ConnectorError where nothing could be written; cheap, and without making anything."""
        ...


@runtime_checkable
class Scannable(Protocol):
    """All rows can be read back."""

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows, without ``_darner_generation`` and ``_darner_shard`` unless ``columns`` names them."""
        ...

    def count(self) -> int:
        """Return how many rows there are."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """Rows near a vector can be found."""

    def search(self, vector: Sequence[float], *, limit: int = 10, where: str | None = None) -> list[Mapping[str, Any]]:
        """Return the nearest rows, nearest first, each with ``_distance`` and without its vector.

        ``where`` is an SQL condition over the columns, judged before the nearest are taken.
        """
        ...


@runtime_checkable
class Gettable(Protocol):
    """Single rows can be had by key."""

    def get(self, key: Any) -> Mapping[str, Any] | None:
        """Return one row, or None."""
        ...
