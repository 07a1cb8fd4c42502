"""Reading Parquet files by row groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...compiler.diagnostics import did_you_mean
from ..errors import ConnectorError
from .formats import Reading

BATCH_ROWS = 8192
RANGE_ROWS = 65_536
BUFFER = 1 << 20


def column_names(reading: Reading) -> list[str]:
    """Return the names of the columns."""
    with _file(reading) as file:
        return list(file.schema_arrow.names)


def stretches(reading: Reading) -> list[tuple[int, int | None]]:
    """Return stretches of row groups, each of about 65,536 rows or one larger group."""
    with _file(reading) as file:
        found: list[tuple[int, int | None]] = []
        start = rows = 0
        for group in range(file.num_row_groups):
            rows += file.metadata.row_group(group).num_rows
            if rows >= RANGE_ROWS or group == file.num_row_groups - 1:
                found.append((start, group + 1))
                start, rows = group + 1, 0
        return found


def read(reading: Reading, start: int, stop: int | None, columns: Sequence[str] | None) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches of some row groups."""
    with _file(reading) as file:
        _refuse_unknown(reading, file.schema_arrow.names, columns)
        last = file.num_row_groups if stop is None else stop
        if last > file.num_row_groups:
            msg = f"{reading.file.name} has fewer row groups than a moment ago"
            raise ConnectorError(msg, help="it was replaced while it was read; run again")
        row = 1 + sum(file.metadata.row_group(group).num_rows for group in range(start))
        groups = list(range(start, last))
        for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=groups, columns=None if columns is None else list(columns)):
            if batch.num_rows:
                yield row, _plain(batch)
            row += batch.num_rows


def _refuse_unknown(reading: Reading, known: Sequence[str], wanted: Sequence[str] | None) -> None:
    for name in wanted or ():
        if name not in known:
            msg = f"{reading.file.name} has no column {name!r}"
            raise ConnectorError(msg, help=did_you_mean(name, known))


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with dictionaries decoded, so that every reader of it sees plain values."""
    for index, field in enumerate(batch.schema):
        if pa.types.is_dictionary(field.type):
            array: Any = batch.column(index)
            batch = batch.set_column(index, field.name, array.dictionary_decode())
    return batch


@contextmanager
def _file(reading: Reading) -> Iterator[pq.ParquetFile]:
    file = reading.file
    if file.is_local:
        with pq.ParquetFile(file.path, buffer_size=BUFFER) as found:
            yield found
    else:
        with file.system.open(file.path, "rb") as raw, pq.ParquetFile(raw, pre_buffer=True) as found:
            yield found
