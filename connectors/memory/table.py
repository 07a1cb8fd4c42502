"""A table in memory with every verb of a connector: for tests, and for the few rows that a spec writes out."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ..errors import ConnectorError
from ..keyed import plain
from ..ports import GENERATION, SHARD, Place, SourceRange
from ..rows import from_rows

Row = dict[str, Any]
BATCHES_A_RANGE = 4


class Memory:
    """Rows that live as long as this object.

    Args:
        rows: rows to begin with.
        name: what it is called in messages, and its identity.
        key: the key column; needed by `get`.
        batch_rows: rows a batch; as a source it has ranges of four batches.
        vector: the column that `search` looks at; the default is the only one that holds lists of numbers.
    """

    def __init__(
        self,
        *,
        rows: Sequence[Mapping[str, Any]] = (),
        name: str = "memory",
        key: str = "",
        batch_rows: int = 1024,
        vector: str | None = None,
    ) -> None:
        self.rows: list[Row] = [dict(row) for row in rows]
        self.name = name
        self.key = key
        self.batch_rows = batch_rows
        self.vector = vector
        self.schema: pa.Schema | None = None

    def identity(self) -> str:
        """Return the name."""
        return f"memory:{self.name}"

    def columns(self) -> list[str]:
        """Return the names of all columns, in the order in which rows first named them."""
        return self.schema.names if self.schema else list(dict.fromkeys(name for row in self.rows for name in row))

    def ranges(self) -> list[SourceRange]:
        """Return stretches of ``range_rows`` rows."""
        step = BATCHES_A_RANGE * self.batch_rows
        starts = range(0, len(self.rows), step)
        return [SourceRange(number, self.name, start, start + step) for number, start in enumerate(starts)]

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        """Yield the rows of a stretch."""
        stop = len(self.rows) if part.stop is None else min(part.stop, len(self.rows))
        for start in range(part.start, stop, self.batch_rows):
            rows = self.rows[start : min(stop, start + self.batch_rows)]
            yield Place(part.file, start + 1), self._batch(rows, self._known(columns))

    def open(self, schema: pa.Schema, key: str) -> None:
        """Begin with the schema, or compare it with the one that is there."""
        if key not in schema.names:
            msg = f"{self.name} has no column {key!r} to be its key"
            raise ConnectorError(msg, help=f"columns: {', '.join(schema.names)}")
        schema = plain(schema)
        if self.schema is not None and not self.schema.equals(schema):
            msg = f"the table {self.name} has other columns: {', '.join(self.schema.names)}"
            raise ConnectorError(msg, help="write to another table")
        self.schema, self.key = schema, key

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        """Add rows, without a look at their keys."""
        new = [row for batch in batches for row in self._rows(batch)]
        self.rows.extend(new)
        return len(new)

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:
        """Insert or replace rows by key, never one of a higher generation."""
        places = {row[key]: place for place, row in enumerate(self.rows)}
        offered = 0
        for batch in batches:
            for row in self._rows(batch):
                offered += 1
                place = places.setdefault(row[key], len(self.rows))
                if place == len(self.rows):
                    self.rows.append(row)
                elif self._may_replace(self.rows[place], row):
                    self.rows[place] = row
        return offered

    def _may_replace(self, old: Row, new: Row) -> bool:
        return bool(old[GENERATION] <= new[GENERATION])

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        """Remove the rows of these shards of one generation."""
        gone = set(shards)
        self.rows = [row for row in self.rows if row[GENERATION] != generation or row[SHARD] not in gone]

    def delete(self, keys: Sequence[Any], key: str) -> int:
        """Remove rows by key."""
        texts = {str(one) for one in keys}
        self.rows = [row for row in self.rows if str(row[key]) not in texts]
        return len(keys)

    def finish(self) -> None:
        """There is nothing to build."""

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows in the order in which they came."""
        wanted = self._known(columns)
        for start in range(0, len(self.rows), self.batch_rows):
            yield self._batch(self.rows[start : start + self.batch_rows], wanted)

    def count(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def get(self, key: Any) -> Mapping[str, Any] | None:
        """Return one row, or None."""
        found = next((row for row in self.rows if row.get(self.key) == key), None)
        return None if found is None else self._shown(found)

    def search(self, vector: Sequence[float], *, limit: int = 10, where: str | None = None) -> list[Mapping[str, Any]]:
        """Return the rows nearest by cosine distance."""
        column = self.vector or self._vector_column()
        rows = self.rows if where is None else [self.rows[place] for place in _matching(self.rows, where)]
        found: list[Mapping[str, Any]] = [
            {**self._shown(row, column), "_distance": _cosine(vector, row[column])} for row in rows if row[column] is not None
        ]
        return sorted(found, key=lambda row: row["_distance"])[:limit]

    def _rows(self, batch: pa.RecordBatch) -> list[Row]:
        if self.schema is None:
            msg = f"the table {self.name} was not opened"
            raise ConnectorError(msg, help="call `open` before anything is written")
        rows = batch.to_pylist()
        if any(row.get(self.key) is None for row in rows):
            msg = f"a row for {self.name} has no {self.key}"
            raise ConnectorError(msg, help="rows without a key are dead letters; leave them out")
        return rows

    def _batch(self, rows: Sequence[Row], names: Sequence[str]) -> pa.RecordBatch:
        if self.schema is None:
            return from_rows(rows, names)
        fields = [self.schema.field(name) for name in names]
        arrays = [pa.array([row.get(one.name) for row in rows], one.type) for one in fields]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    def _known(self, columns: Sequence[str] | None) -> list[str]:
        known = self.columns()
        wanted = [name for name in known if name not in {GENERATION, SHARD}] if columns is None else list(columns)
        for name in wanted:
            if name not in known:
                msg = f"{self.name} has no column {name!r}"
                raise ConnectorError(msg, help=f"columns: {', '.join(known)}")
        return wanted

    def _shown(self, row: Row, *hidden: str) -> Row:
        return {name: value for name, value in row.items() if name not in {GENERATION, SHARD, *hidden}}

    def _vector_column(self) -> str:
        names = [name for name in self.columns() if any(_is_vector(row.get(name)) for row in self.rows[:100])]
        if len(names) != 1:
            msg = f"{self.name} has {len(names) or 'no'} columns that hold vectors"
            raise ConnectorError(msg, help="say which in the dataset: `with: {vector: NAME}`")
        return names[0]


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, float) for part in value)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return 1.0 - sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 1.0


def _matching(rows: Sequence[Row], where: str) -> list[int]:
    """Return the numbers of the rows that an SQL condition holds for; only columns of scalars can be named."""
    names = [
        name for name in dict.fromkeys(name for row in rows for name in row) if not any(isinstance(row.get(name), list) for row in rows)
    ]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    table = sqlite3.connect(":memory:")
    try:
        table.execute(f"CREATE TABLE rows ({quoted})")
        table.executemany(
            f"INSERT INTO rows VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - only question marks
            ([row.get(name) for name in names] for row in rows),
        )
        found = table.execute(f"SELECT rowid FROM rows WHERE {where}")  # noqa: S608 - the condition is SQL by contract, over a throw-away table
        return [number - 1 for (number,) in found]
    except sqlite3.Error as error:
        msg = f"the condition {where!r} is wrong: {error}"
        raise ConnectorError(msg, help=f"columns: {', '.join(names)}") from error
    finally:
        table.close()
