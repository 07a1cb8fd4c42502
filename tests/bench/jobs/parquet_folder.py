"""A sink that is a folder of Parquet files, for comparison with loops that write one: first builds only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class ParquetFolder:
    """Rows are appended, one file a commit; it can't replace or delete, and says so."""

    def __init__(self, *, url: str) -> None:
        """Write below a folder."""
        self._folder = Path(url)
        self._schema: pa.Schema | None = None

    def open(self, schema: pa.Schema, key: str) -> None:  # noqa: ARG002 - the Protocol's arguments
        """Make the folder."""
        self._schema = schema
        self._folder.mkdir(parents=True, exist_ok=True)

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        """Write one file."""
        rows = 0
        number = len(list(self._folder.glob("*.parquet")))
        writer: pq.ParquetWriter | None = None
        for batch in batches:
            writer = writer or pq.ParquetWriter(self._folder / f"{number:06d}.parquet", batch.schema)
            writer.write_batch(batch)
            rows += batch.num_rows
        if writer is not None:
            writer.close()
        return rows

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:  # noqa: ARG002 - the Protocol's arguments
        """Refuse: a folder of files has no keys."""
        msg = "a folder of Parquet files can only be built, not changed"
        raise ValueError(msg)

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        """Nothing was left: a measurement isn't killed."""

    def delete(self, keys: Sequence[str], key: str) -> int:  # noqa: ARG002 - the Protocol's arguments
        """Refuse, unless there is nothing to delete: a folder of files has no keys."""
        if keys:
            msg = "a folder of Parquet files can only be built, not changed"
            raise ValueError(msg)
        return 0

    def finish(self) -> None:
        """Nothing is left to do."""

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows."""
        for file in sorted(self._folder.glob("*.parquet")):
            yield from pq.ParquetFile(file).iter_batches(columns=list(columns) if columns else None)

    def count(self) -> int:
        """Return how many rows there are."""
        return sum(pq.read_metadata(file).num_rows for file in self._folder.glob("*.parquet"))

    def identity(self) -> str:
        """Return the folder."""
        return f"parquet:{self._folder}"


def parquet_folder(url: str) -> object:
    """Return the folder as a sink, for the dataset that names this function."""
    return ParquetFolder(url=url)
