"""What a table looks like: its columns, vectors as fixed lists of 32-bit floats, and how that differs from what is there."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from ...compiler.diagnostics import did_you_mean
from ..errors import ConnectorError


def check_names(schema: pa.Schema) -> None:
    """Refuse names of columns that Lance can't have."""
    for column in schema.names:
        if not column or "." in column or "`" in column:
            msg = f"LanceDB can't have a column named {column!r}"
            raise ConnectorError(msg, help="rename the field; a name may hold neither a dot nor a backtick")


def vector_column(schema: pa.Schema, said: str | Literal[False] | None) -> str | None:
    """Return the column that holds vectors: the one that is named, or else the only list of floats; None where unclear."""
    if said is False:
        return None
    lists = [field.name for field in schema if _is_float_list(field.type)]
    if isinstance(said, str):
        if said not in lists:
            msg = f"{said!r} is no column of vectors"
            raise ConnectorError(msg, help=did_you_mean(said, lists) or "no column holds lists of floats")
        return said
    fixed = [name for name in lists if pa.types.is_fixed_size_list(schema.field(name).type)]
    found = fixed or lists
    return found[0] if len(found) == 1 else None


def _is_float_list(type_: Any) -> bool:
    is_list = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    return is_list and pa.types.is_floating(type_.value_type)


def table_schema(schema: pa.Schema, vector: str | None, first: pa.RecordBatch | None) -> pa.Schema | None:
    """Return the table's schema, or None as long as no row has told how long the vectors are."""
    fields = [pa.field(field.name, _storable(field.type)) for field in schema]
    if vector is None:
        return pa.schema(fields)
    index = schema.get_field_index(vector)
    type_: Any = schema.field(vector).type
    size = type_.list_size if pa.types.is_fixed_size_list(type_) else _length(first, vector)
    if size is None:
        return None
    fields[index] = pa.field(vector, pa.list_(pa.float32(), size))
    return pa.schema(fields)


def _storable(type_: pa.DataType) -> pa.DataType:
    return type_.storage_type if isinstance(type_, pa.BaseExtensionType) else type_


def _length(batch: pa.RecordBatch | None, vector: str) -> int | None:
    if batch is None:
        return None
    longest = pc.max(pc.list_value_length(batch.column(vector))).as_py()
    return int(longest) if longest else None


def differences(there: pa.Schema, wanted: pa.Schema, vector: str | None) -> list[str]:
    """Return in words how the table that is there differs from the one that is wanted."""
    found = [f"{name} is missing in it" for name in wanted.names if name not in there.names]
    found += [f"{name} is not in the rows" for name in there.names if name not in wanted.names]
    for name in wanted.names:
        if name in there.names and not _alike(there.field(name).type, wanted.field(name).type, is_vector=name == vector):
            found.append(f"{name} is {there.field(name).type} there and {wanted.field(name).type} in the rows")
    return found


def _alike(there: Any, wanted: Any, *, is_vector: bool) -> bool:
    """Return whether rows of one type can go into a column of the other; names inside lists don't matter."""
    if is_vector and pa.types.is_fixed_size_list(there) and _is_float_list(wanted):
        return not pa.types.is_fixed_size_list(wanted) or there.list_size == wanted.list_size
    wanted = _storable(wanted)
    if pa.types.is_list(there) and pa.types.is_list(wanted):
        return _alike(there.value_type, wanted.value_type, is_vector=False)
    return bool(there.equals(wanted))
