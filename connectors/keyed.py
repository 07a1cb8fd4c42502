"""Rows that are written by key: what their table must have, and which of equal keys is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from ..compiler.diagnostics import did_you_mean
from .errors import ConnectorError
from .ports import GENERATION, SHARD

MARKS = (GENERATION, SHARD)
MERGE_ROWS = 20_000
MERGE_BYTES = 64 << 20
"""A merge costs the same for few rows as for thousands, and is held in memory."""


def check(schema: pa.Schema, key: str) -> None:
    """Refuse a schema that can't be a table's: no key, no marks, a key that can't be looked up."""
    for wanted in (key, *MARKS):
        if wanted not in schema.names:
            msg = f"the rows have no column {wanted!r}"
            raise ConnectorError(msg, help=did_you_mean(wanted, schema.names))
    type_ = schema.field(key).type
    if not (pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_integer(type_)):
        msg = f"the key {key} is of type {type_}"
        raise ConnectorError(msg, help="a key is text or a whole number")


def plain(schema: pa.Schema) -> pa.Schema:
    """Return a schema in which every field may be null and lists call their items alike: equal for rows that fit one table."""
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])


def _plain(type_: Any) -> Any:
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(_plain(type_.value_type), type_.list_size)
    if pa.types.is_list(type_):
        return pa.list_(_plain(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in type_])
    return type_


def known(table: str, names: Sequence[str], columns: Sequence[str] | None) -> list[str]:
    """Return the columns asked for, or all but the marks; ConnectorError for one that the table hasn't."""
    if columns is None:
        return [name for name in names if name not in MARKS]
    for name in columns:
        if name not in names:
            msg = f"the table {table} has no column {name!r}"
            raise ConnectorError(msg, help=did_you_mean(name, names))
    return list(columns)


def fit(batch: pa.RecordBatch, schema: pa.Schema, key: str) -> pa.RecordBatch:
    """Return a batch with the table's columns, in its order and types; ConnectorError names what doesn't fit."""
    missing = [name for name in schema.names if name not in batch.schema.names]
    if missing or batch.num_columns != len(schema.names):
        extra = [name for name in batch.schema.names if name not in schema.names]
        msg = f"a batch has other columns than the table: {_listed('lacks', missing)}{_listed('adds', extra)}"
        raise ConnectorError(msg, help="all batches of a table have its columns")
    if batch.column(key).null_count:
        msg = f"a row has no {key}"
        raise ConnectorError(msg, help="rows without a key are dead letters; leave them out")
    arrays = [_cast(batch, field, key) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _listed(word: str, names: Sequence[str]) -> str:
    return f"{word} {', '.join(names)}; " if names else ""


def _cast(batch: pa.RecordBatch, field: Any, key: str) -> Any:
    column: Any = batch.column(field.name)
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if column.type.equals(field.type):
        return column
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        if pa.types.is_fixed_size_list(field.type):
            raise _odd_vector(batch, field, key) from error
        msg = f"{field.name} doesn't fit into a column of type {field.type}: {error}"
        raise ConnectorError(msg, help="the rows' types changed; write to another table") from error


def _odd_vector(batch: pa.RecordBatch, field: Any, key: str) -> ConnectorError:
    size = field.type.list_size
    for one, vector in zip(batch.column(key).to_pylist(), batch.column(field.name).to_pylist(), strict=True):
        if vector is not None and (len(vector) != size or None in vector):
            msg = f"{field.name} of {one} has {len(vector)} numbers; the table's vectors have {size}"
            return ConnectorError(msg, help="vectors of one column are equally long; is it no vector, say `vector: false`")
    msg = f"{field.name} doesn't fit into vectors of {size} numbers"
    return ConnectorError(msg, help="vectors of one column are equally long and hold no null")


def newest(table: pa.Table, key: str) -> pa.Table:
    """Return rows with one a key: the last of its highest generation."""
    keys = table.column(key).to_pylist()
    if len(set(keys)) == len(keys):
        return table
    generations: list[Any] = table.column(GENERATION).to_pylist()
    kept: dict[Any, int] = {}
    for place, (one, generation) in enumerate(zip(keys, generations, strict=True)):
        if one not in kept or generations[kept[one]] <= generation:
            kept[one] = place
    return table.take(pa.array(sorted(kept.values()), pa.int64()))


def parts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield batches put together to what one merge takes."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= MERGE_ROWS or sum(one.nbytes for one in held) >= MERGE_BYTES:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)
