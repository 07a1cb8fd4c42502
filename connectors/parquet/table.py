"""The connector ``parquet``: a table as a local folder of Parquet files, written by key under the generation rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from ..errors import ConnectorError, NoTable
from ..keyed import check, fit, known, newest, parts, plain
from ..ports import GENERATION, SHARD, Place, SourceRange
from ..writable import refuse_unwritable
from .folder import Folder

BATCH_ROWS = 8192
Column = Any
compute: Any = pyarrow.compute
"""Its functions are made when it is imported, so type checkers know half of them."""
Gone = Callable[[pa.RecordBatch], Column]
"""Says which rows of a batch of keys and marks leave the table."""


class ParquetTable:
    """A table in a folder of its own: cheap to append to; a merge or a delete writes the files again that it touches.

    Args:
        url: the folder, a local path relative to ``base``.
        base: what a relative path is relative to.
        key: the key column; `open` sets it too.
    """

    def __init__(self, *, url: str, base: Path, key: str = "") -> None:
        if "://" in url:
            msg = f"`url` is {url!r}"
            raise ConnectorError(msg, help="a table of Parquet files is a local folder; a bucket can hold a LanceDB table")
        self.folder = Folder(base.absolute() / Path(url).expanduser())
        self.key = key

    def identity(self) -> str:
        """Return the folder's path."""
        return f"parquet:{self.folder.path}"

    def refuse_unwritable(self) -> None:
        """Raise ConnectorError where the folder can't be written, or holds files that are no table's."""
        refuse_unwritable(self.folder.path)
        if self.folder.path.is_dir() and self.folder.schema() is None:
            self.folder.refuse_strangers()

    def open(self, schema: pa.Schema, key: str) -> None:
        """Make the table where there is none, else compare its columns."""
        check(schema, key)
        self.key = key
        there = self.folder.schema()
        if there is None:
            self.folder.make(plain(schema))
            return
        # Whether a column may be null says nothing: a type that requires a field and rows without a null fit one table.
        differ = sorted(_shown(there) ^ _shown(schema)) or ([] if there.names == schema.names else ["the order of the columns"])
        if differ:
            msg = f"the table {self.folder.path} has other columns: {'; '.join(differ)}"
            raise ConnectorError(msg, help="write to another folder, or remove this one and build it again")

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        """Add rows as one file: all of them or none."""
        schema = self._schema()
        name = self.folder.fresh(())
        rows = self.folder.write(name, (fit(batch, schema, self.key) for batch in batches), schema)
        if rows:
            self.folder.commit([*self.folder.files(), name])
        return rows

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:
        """Merge rows by key, 20,000 or more in one commit."""
        schema = self._schema()
        offered = 0
        for part in parts(fit(batch, schema, key) for batch in batches):
            offered += part.num_rows
            self._merge(newest(part, key), key)
        return offered

    def _merge(self, rows: pa.Table, key: str) -> None:
        keys, generations = rows.column(key).combine_chunks(), rows.column(GENERATION).combine_chunks()
        newer: set[int] = set()

        def gone(there: pa.RecordBatch) -> Column:
            places = compute.index_in(there.column(key), value_set=keys)
            older = compute.less_equal(there.column(GENERATION), generations.take(places))
            newer.update(places.filter(compute.invert(compute.fill_null(older, fill_value=True))).to_pylist())
            return compute.fill_null(older, fill_value=False)

        files = self._without(gone)
        kept = rows.take(pa.array([place for place in range(rows.num_rows) if place not in newer], pa.int64()))
        name = self.folder.fresh(files)
        if self.folder.write(name, iter(kept.to_batches()), rows.schema):
            files.append(name)
        self.folder.commit(files)

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        """Remove the rows of these shards of one generation."""
        named = pa.array(shards, pa.int64())
        self._remove(
            lambda there: compute.and_(
                compute.equal(there.column(GENERATION), generation), compute.is_in(there.column(SHARD), value_set=named)
            )
        )

    def delete(self, keys: Sequence[Any], key: str) -> int:
        """Remove rows by key."""
        if keys:
            named = self._keys(keys, self._schema().field(key).type)
            self._remove(lambda there: compute.is_in(there.column(key), value_set=named))
        return len(keys)

    def _keys(self, keys: Sequence[Any], type_: pa.DataType) -> Column:
        try:
            return pa.array([str(one) for one in keys], pa.string()).cast(type_)
        except pa.ArrowInvalid as error:
            msg = f"a key is no {type_}, and those of {self.folder.path} are: {error}"
            raise ConnectorError(msg, help="the type of the key was changed; write to another folder") from error

    def _remove(self, gone: Gone) -> None:
        if self.folder.schema() is not None:
            files = self._without(gone)
            if files != self.folder.files():
                self.folder.commit(files)

    def _without(self, gone: Gone) -> list[str]:
        """Return the files of the table without some rows; those that lose none stay as they are."""
        files: list[str] = []
        for name in self.folder.files():
            masks = [gone(batch) for batch in self._batches(name, [self.key, GENERATION, SHARD])]
            if not any(mask.true_count for mask in masks):
                files.append(name)
                continue
            fresh = self.folder.fresh(files)
            kept = (batch.filter(compute.invert(mask)) for batch, mask in zip(self._batches(name), masks, strict=True))
            if self.folder.write(fresh, kept, self._schema()):
                files.append(fresh)
        return files

    def finish(self) -> None:
        """There is nothing to build."""

    def columns(self) -> list[str]:
        """Return the table's columns without the two marks."""
        return known(str(self.folder.path), self._schema().names, None)

    def ranges(self) -> list[SourceRange]:
        """Return the table's files."""
        return [SourceRange(number, name) for number, name in enumerate(self.folder.files())]

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        """Yield the rows of one file."""
        names = known(str(self.folder.path), self._schema().names, columns)
        row = 1
        for batch in self._batches(part.file, names):
            yield Place(part.file, row), batch
            row += batch.num_rows

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows, the oldest files first."""
        names = known(str(self.folder.path), self._schema().names, columns)
        for name in self.folder.files():
            yield from self._batches(name, names)

    def count(self) -> int:
        """Return how many rows there are."""
        with self.folder.named():
            return sum(pq.read_metadata(self.folder.path / name).num_rows for name in self.folder.files())

    def get(self, key: Any) -> Mapping[str, Any] | None:
        """Return one row, or None; every file's keys are looked at."""
        named = self._keys([key], self._schema().field(self.key).type)
        for batch in self.scan():
            found = batch.filter(compute.is_in(batch.column(self.key), value_set=named))
            if found.num_rows:
                return found.to_pylist()[0]
        return None

    def _schema(self) -> pa.Schema:
        schema = self.folder.schema()
        if schema is None:
            msg = f"there is no table in {self.folder.path}"
            raise NoTable(msg, help="run the job that writes it")
        return schema

    def _batches(self, name: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        with self.folder.named():
            file = pq.ParquetFile(self.folder.path / name, buffer_size=1 << 20)
            batches = file.iter_batches(BATCH_ROWS, columns=None if columns is None else list(columns))
        with file:
            while True:
                with self.folder.named():
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch if columns is None else batch.select(list(columns))


def _shown(schema: pa.Schema) -> set[str]:
    return {f"{field.name} {field.type}" for field in plain(schema)}
