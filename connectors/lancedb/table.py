"""The connector ``lancedb``: one table, written by key under the generation rule, searched by vector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from ...compiler.diagnostics import did_you_mean
from ..errors import ConnectorError, NoTable
from ..keyed import MARKS, check, known, newest, parts
from ..ports import GENERATION, SHARD, Place, SourceRange
from ..writable import refuse_unwritable
from . import sql
from .database import Database
from .feed import Feed, chunks
from .fit import check_names, differences, table_schema, vector_column
from .index import INDEX_FROM, IndexKind, Metric, Search, build

SCAN_ROWS = 8192


class LanceDB:
    """A table of a LanceDB database in a folder or a bucket.

    Args:
        url: the database: a path (relative to ``base``) or a URL such as ``s3://bucket/folder``.
        table: the table's name.
        base: what a relative path is relative to.
        key: the key column; `open` sets it too.
        vector: the column that is searched; the default is the only one that holds lists of floats, ``false`` is none.
        index: how vectors are indexed: ``sq``, ``rq``, ``flat`` or ``none``.
        index_from: the number of rows from which there is an index; fewer are compared one by one.
        metric: ``cosine``, ``l2`` or ``dot``.
        storage: options of the object store, as LanceDB names them.
    """

    def __init__(  # noqa: PLR0913 - each is an option that a dataset may write
        self,
        *,
        url: str,
        table: str,
        base: Path,
        key: str = "",
        vector: str | Literal[False] | None = None,
        index: IndexKind = "sq",
        index_from: int = INDEX_FROM,
        metric: Metric = "cosine",
        storage: Mapping[str, Any] | None = None,
    ) -> None:
        where = url if "://" in url else str(base.absolute() / Path(url).expanduser())
        self.database = Database(where, {name: str(value) for name, value in (storage or {}).items()})
        self.name = table
        self.key = key
        self.vector: str | Literal[False] | None = vector
        self.setting = Search(index, index_from, metric)
        self._opened: Any = None
        self._schema: pa.Schema | None = None
        """What the rows look like, from `open` until the table is made."""

    def identity(self) -> str:
        """Return the database's address and the table's name."""
        return f"lancedb:{self.database.url}#{self.name}"

    # written

    def refuse_unwritable(self) -> None:
        """Raise ConnectorError where the database is a local folder that can't be written."""
        if "://" not in self.database.url:
            refuse_unwritable(Path(self.database.url))

    def open(self, schema: pa.Schema, key: str) -> None:
        """Compare the schema with the table that is there, or make the table, at the latest with the first rows."""
        check(schema, key)
        check_names(schema)
        self.key = key
        vector = vector_column(schema, self.vector)
        there = self._there()
        if there is not None:
            found = differences(there.schema, schema, vector)
            if found:
                msg = f"the table {self.name} in {self.database.url} has other columns: {'; '.join(found)}"
                raise ConnectorError(msg, help="write to another table, or remove this one and build it again")
        self._schema = schema
        if there is None:
            self._make(None)

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        """Add rows in one commit, streaming: all of them or none."""
        first = self._first(batches)
        if first is None:
            return 0
        table = self._table()
        feed = Feed(first, batches, table.schema, self.key)
        with feed.own_failures(), sql.named(self.name):
            table.add(pa.RecordBatchReader.from_batches(table.schema, feed.batches()))
        return feed.rows

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:
        """Merge rows by key in commits of 20,000 or more; a row of a higher generation stays as it is."""
        first = self._first(batches)
        if first is None:
            return 0
        table = self._table()
        feed = Feed(first, batches, table.schema, key)
        for part in parts(feed.batches()):
            with sql.named(self.name):
                merge = table.merge_insert(key)
                merge = merge.when_matched_update_all(where=f"target.{GENERATION} <= source.{GENERATION}")
                merge.when_not_matched_insert_all().execute(newest(part, key))
        return feed.rows

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        """Remove the rows of these shards of one generation."""
        table = self._there()
        for some in chunks(shards):
            if table is not None:
                with sql.named(self.name):
                    table.delete(f"{GENERATION} = {int(generation)} AND {sql.one_of(SHARD, pa.int64(), some)}")

    def delete(self, keys: Sequence[Any], key: str) -> int:
        """Remove rows by key."""
        table = self._there()
        for some in chunks(keys):
            if table is not None:
                with sql.named(self.name):
                    table.delete(sql.one_of(key, table.schema.field(key).type, some))
        return len(keys)

    def finish(self) -> None:
        """Index key and vectors; once there are many small pieces, put them together and drop versions older than an hour."""
        table = self._there()
        if table is not None:
            with sql.named(self.name):
                build(table, self.key, vector_column(table.schema, self.vector), self.setting)

    # read

    def columns(self) -> list[str]:
        """Return the table's columns without the two marks."""
        return [name for name in self._table().schema.names if name not in MARKS]

    def ranges(self) -> list[SourceRange]:
        """Return the table as one range."""
        return [SourceRange(0, f"{self.database.url}#{self.name}")] if self.count() else []

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        """Yield all rows with their places, which hold as long as nobody writes."""
        row = 1
        for batch in self.scan(columns):
            yield Place(part.file, row), batch
            row += batch.num_rows

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows of the newest version, streaming."""
        table = self._there()
        if table is None and self._schema is not None:
            return
        table = self._table()
        names = known(self.name, table.schema.names, columns)
        with sql.named(self.name):
            batches = iter(table.search().select(names).to_batches(SCAN_ROWS))
        while True:
            with sql.named(self.name):
                batch = next(batches, None)
            if batch is None:
                return
            if batch.num_rows:
                yield batch.select(names)

    def count(self) -> int:
        """Return how many rows there are."""
        table = self._there()
        if table is None and self._schema is not None:
            return 0
        with sql.named(self.name):
            return int(self._table().count_rows())

    def get(self, key: Any) -> Mapping[str, Any] | None:
        """Return one row, or None."""
        table = self._table()
        column = self._key_of(table)
        names = known(self.name, table.schema.names, None)
        with sql.named(self.name):
            where = f"{sql.name(column)} = {sql.literal(key, table.schema.field(column).type)}"
            found = table.search().where(where).select(names).limit(1).to_list()
        return found[0] if found else None

    def search(self, vector: Sequence[float], *, limit: int = 10, where: str | None = None) -> list[Mapping[str, Any]]:
        """Return the nearest rows; with an index the nearest by it, compared again by their full vectors."""
        table = self._table()
        column = vector_column(table.schema, self.vector)
        if column is None:
            msg = f"the table {self.name} has no column of vectors, or more than one"
            raise ConnectorError(msg, help="say which in the dataset: `with: {vector: NAME}`")
        size = table.schema.field(column).type.list_size
        if len(vector) != size:
            msg = f"a vector of {len(vector)} numbers was given; those of {self.name} have {size}"
            raise ConnectorError(msg, help="search with the model that made the table's vectors")
        names = [name for name in known(self.name, table.schema.names, None) if name != column]
        with sql.named(self.name):
            query = self.setting.query(table, [float(part) for part in vector], column)
            if where is not None:
                query = query.where(where, prefilter=True)
            found: list[Mapping[str, Any]] = query.select([*names, "_distance"]).limit(limit).to_list()
        return sorted(found, key=lambda row: row["_distance"])

    # the table

    def _there(self) -> Any:
        """Return the table, or None where there is none."""
        if self._opened is None:
            self._opened = self.database.table(self.name)
        return self._opened

    def _table(self) -> Any:
        table = self._there()
        if table is None:
            msg = f"there is no table {self.name} in {self.database.url}"
            raise NoTable(msg, help=did_you_mean(self.name, self.database.names()) or "run the job that writes it")
        return table

    def _make(self, first: pa.RecordBatch | None) -> None:
        if self._schema is None:
            msg = f"the table {self.name} was not opened"
            raise ConnectorError(msg, help="call `open` before anything is written")
        schema = table_schema(self._schema, vector_column(self._schema, self.vector), first)
        if schema is not None:
            self._opened = self.database.create(self.name, schema)

    def _first(self, batches: Iterator[pa.RecordBatch]) -> list[pa.RecordBatch] | None:
        """Return the batches up to the first that tells what the table looks like; None where none has a row."""
        held: list[pa.RecordBatch] = []
        for batch in batches:
            if batch.num_rows:
                held.append(batch)
                if self._there() is None:
                    self._make(batch)
                if self._there() is not None:
                    return held
        if not held:
            return None
        msg = f"no row for {self.name} has a vector, so its length isn't known"
        raise ConnectorError(msg, help="give the type a vector of a fixed length, or say `vector: false`")

    def _key_of(self, table: Any) -> str:
        if self.key in table.schema.names:
            return self.key
        msg = f"{self.key!r} is no column of {self.name}, to be its key"
        raise ConnectorError(msg, help=did_you_mean(self.key, table.schema.names))
