"""Arrow tables as objects of a store, and Arrow's functions as this room calls them."""

from __future__ import annotations

import hashlib
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute

from ..ports import Store
from .model import PartRef

compute: Any = pyarrow.compute
"""The functions of ``pyarrow.compute``, untyped: the stubs know neither mixed scalars and arrays nor our casts."""

Column: TypeAlias = "pa.Array[Any]"

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
"""lz4 halves text at memory speed; zstd would save a third more and cost four times the time."""


def write_packed(store: Store, name: str, table: pa.Table) -> PartRef:
    """Write a small table as a compressed Arrow IPC file, and return what to know it by (`parts.read_part` reads it)."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=_OPTIONS) as writer:
        writer.write_table(table)
    content = sink.getvalue().to_pybytes()
    store.put(name, content)
    return PartRef(name=name, rows=table.num_rows, size=len(content), checksum=hashlib.sha256(content).hexdigest())


def one_array(column: pa.ChunkedArray[Any] | Column) -> Column:
    """Return a column as one array."""
    combined = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def nothing(count: int, kind: pa.DataType) -> Column:
    """Return so many nulls of a type."""
    return pa.array([None] * count, kind)


def last_of_each(table: pa.Table, key: str) -> pa.Table:
    """Return a table with the last row of each key, in the order of those rows."""
    if compute.count_distinct(table[key], mode="all").as_py() == table.num_rows:
        return table
    numbered = pa.table({"key": table[key], "row": pa.array(range(table.num_rows), pa.int64())})
    last = one_array(numbered.group_by("key").aggregate([("row", "max")])["row_max"])
    return table.take(last.take(compute.sort_indices(last)))
