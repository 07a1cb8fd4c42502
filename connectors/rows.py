"""Rows of Arrow batches as Python values, both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

SCALARS: Mapping[type, pa.DataType] = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}


def to_rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return a batch as dicts: JSON columns parsed, maps as dicts, everything else as Arrow gives it."""
    names = batch.schema.names
    columns = [to_values(batch.column(index)) for index in range(batch.num_columns)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def to_values(array: pa.Array[Any]) -> list[Any]:
    """Return one column as Python values."""
    if is_json(array.type):
        return [None if text is None else json.loads(text) for text in array.storage.to_pylist()]  # type: ignore[attr-defined]
    return array.to_pylist(maps_as_pydicts="lossy")


def is_json(type_: pa.DataType) -> bool:
    """Return whether a column holds JSON texts (Arrow's extension type ``arrow.json``)."""
    return isinstance(type_, pa.BaseExtensionType) and type_.extension_name == "arrow.json"


def from_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pa.RecordBatch:
    """Return dicts as a batch of the columns ``names``; a key that a row lacks is null."""
    return pa.RecordBatch.from_arrays([from_values([row.get(name) for row in rows]) for name in names], names=list(names))


def from_values(items: list[Any]) -> pa.Array[Any]:
    """Return JSON values as a column: of one scalar type, of lists of one, or else of JSON texts.

    A value never changes with its neighbours: 3 stays 3 beside 2.5.
    """
    kinds = set(map(type, items)) - {type(None)}
    if not kinds:
        return pa.nulls(len(items))
    type_ = _scalar(kinds) or (_list(items) if kinds == {list} else None)
    if type_ is not None:
        try:
            return pa.array(items, type_)
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
            return json_column(items)
    return json_column(items)


def _scalar(kinds: set[type]) -> pa.DataType | None:
    return SCALARS.get(next(iter(kinds))) if len(kinds) == 1 else None


def _list(items: list[Any]) -> pa.DataType | None:
    kinds = set(map(type, chain.from_iterable(item for item in items if item is not None))) - {type(None)}
    inner = _scalar(kinds) if kinds else pa.string()
    return None if inner is None else pa.list_(inner)


def json_column(items: list[Any]) -> pa.Array[Any]:
    """Return values of any kind as a column of JSON texts; None is null."""
    write: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    texts = pa.array([None if item is None else write(item) for item in items], pa.string())
    return pa.ExtensionArray.from_storage(pa.json_(pa.string()), texts)
