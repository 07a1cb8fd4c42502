"""What a connector does, one verb a Protocol. A connector implements those that its system can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa


class ConnectorError(Exception):
    """The system behind a connector can't do what was asked; ``help`` says what to do next."""

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002 - the word of the diagnostics
        super().__init__(message)
        self.help = help


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
        """Return the names of the columns that the source has, to be compared with the dataset's type."""
        ...

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        """Yield batches of one range with the place of their first row; only ``columns`` where given."""
        ...

    def identity(self) -> str:
        """Return a text that is equal as long as this is the same source (not: the same content)."""
        ...


@runtime_checkable
class Upsertable(Protocol):
    """Rows can be written by key, by one writer at a time.

    Every row carries ``_darner_generation`` (int64) and ``_darner_shard`` (int64). A row replaces one of the same key
    only if its generation is not lower.
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

    def delete(self, keys: Sequence[str], key: str) -> int:
        """Remove rows by key; return how many keys were offered."""
        ...

    def finish(self) -> None:
        """Build indexes and clean up, once, after the last write."""
        ...

    def identity(self) -> str:
        """Return a text that is equal as long as this is the same sink."""
        ...


@runtime_checkable
class Scannable(Protocol):
    """All rows can be read back."""

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows."""
        ...

    def count(self) -> int:
        """Return how many rows there are."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """Rows near a vector can be found."""

    def search(self, vector: Sequence[float], *, limit: int = 10, where: str | None = None) -> list[Mapping[str, Any]]:
        """Return the nearest rows, nearest first, each with ``_distance``."""
        ...


@runtime_checkable
class Gettable(Protocol):
    """Single rows can be had by key."""

    def get(self, key: Any) -> Mapping[str, Any] | None:
        """Return one row, or None."""
        ...
