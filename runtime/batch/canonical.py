"""Values as bytes that are equal only for equal values, one at a time or a whole Arrow column at once.

Every encoding starts with a tag and says where it ends, so encodings can stand beside each other:

    n  t  f            None, True, False
    i<decimal>;        int
    d<bits>;           float: its 64 bits as a signed decimal; -0.0 is 0.0, every NaN is the same
    s<bytes>:<utf-8>   text, as it stands (no Unicode normalisation: a callable sees the difference)
    b<bytes>:<bytes>   bytes
    [ … ]  { … }       list; mapping with its keys sorted
    T D M U <text>;    moments, dates and times, decimals, ids

Nothing depends on the Python version, the hash seed, or how a library prints a number.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import struct
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from typing import Any
from uuid import UUID  # noqa: TID251 - recognised, never made

import pyarrow as pa
from pydantic import BaseModel

from ..failures import CallableError
from .arrow import Column
from .arrow import compute as pc

DIGEST_BYTES = 16
DIGEST = pa.binary(DIGEST_BYTES)
_NAN_BITS = struct.unpack("<q", struct.pack("<d", float("nan")))[0]
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - both naive and aware moments are counted from here
_MICROSECOND = dt.timedelta(microseconds=1)


def canonical(value: Any) -> bytes:
    """Return one value's encoding; `CallableError` for a value of a type that can't be stored."""
    encode = _ENCODERS.get(type(value))
    return encode(value) if encode is not None else _other(value)


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return b"s%d:%b" % (len(encoded), encoded)


def _float(value: float) -> bytes:
    if value != value:  # noqa: PLR0124 - the shortest test for NaN
        return b"d%d;" % _NAN_BITS
    return b"d%d;" % int(struct.unpack("<q", struct.pack("<d", value + 0.0))[0])


def _list(value: Sequence[Any]) -> bytes:
    return b"[" + b"".join(map(canonical, value)) + b"]"


def _mapping(value: Mapping[Any, Any]) -> bytes:
    items = sorted((canonical(key), canonical(item)) for key, item in value.items())
    return b"{" + b"".join(key + item for key, item in items) + b"}"


def _moment(value: dt.datetime) -> bytes:
    if value.tzinfo is None:
        return b"T%d;" % ((value - _EPOCH) // _MICROSECOND)
    return b"Tz%d;" % ((value - _EPOCH.replace(tzinfo=dt.UTC)) // _MICROSECOND)


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return str(value).encode()
    shown = "".join(map(str, digits)).lstrip("0")
    kept = shown.rstrip("0")
    return f"{sign if kept else 0}.{kept}.{exponent + len(shown) - len(kept) if kept else 0}".encode()


def _tagged(tag: bytes, show: Callable[[Any], str]) -> Callable[[Any], bytes]:
    return lambda value: tag + show(value).encode() + b";"


_ENCODERS: Mapping[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"n",
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"i%d;" % value,
    float: _float,
    str: _text,
    bytes: lambda value: b"b%d:%b" % (len(value), value),
    list: _list,
    tuple: _list,
    dict: _mapping,
    set: lambda value: b"[" + b"".join(sorted(map(canonical, value))) + b"]",
    frozenset: lambda value: b"[" + b"".join(sorted(map(canonical, value))) + b"]",
    dt.datetime: _moment,
    dt.date: _tagged(b"D", dt.date.isoformat),
    dt.time: _tagged(b"D", dt.time.isoformat),
    dt.timedelta: lambda value: b"Td%d;" % (value // _MICROSECOND),
    Decimal: lambda value: b"M" + _decimal(value) + b";",
    UUID: _tagged(b"U", str),
}


def _other(value: Any) -> bytes:
    if isinstance(value, BaseModel):
        return _mapping({name: getattr(value, name) for name in type(value).model_fields})
    if isinstance(value, Enum):
        return canonical(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _mapping({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    for known, encode in _ENCODERS.items():
        if isinstance(value, known):
            return encode(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    msg = f"a value of type {type(value).__name__} has no stable form"
    raise CallableError(msg, help="use models, dataclasses, or plain lists, dicts and scalars in what stages are passed")


def canonical_column(column: Column) -> Column:
    """Return the encodings of a column's values, a binary array without nulls: the bytes that `canonical` gives."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return canonical_column(column.cast(kind.value_type))
    for fits, encode in _COLUMNS:
        if fits(kind):
            encoded: Column = pc.fill_null(encode(column).cast(pa.binary()), b"n")
            return encoded
    return pa.array([canonical(value) for value in column.to_pylist()], pa.binary())


def _integers(column: Column) -> Any:
    return pc.binary_join_element_wise("i", column.cast(pa.string()), ";", "")


def _floats(column: Column) -> Any:
    wide = pc.add(column.cast(pa.float64()), 0.0)
    bits = pc.if_else(pc.is_nan(wide), pa.scalar(_NAN_BITS, pa.int64()), wide.view(pa.int64()))
    return pc.binary_join_element_wise("d", bits.cast(pa.string()), ";", "")


def _counted(tag: str, column: Column) -> Any:
    size = pc.binary_length(column).cast(pa.string())
    head = pc.binary_join_element_wise(tag, size, ":", "").cast(pa.binary())
    return pc.binary_join_element_wise(head, column.cast(pa.binary()), b"")


def _lists(column: Column) -> Any:
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    ends = pc.cumulative_sum(lengths.cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    encoded = pa.ListArray.from_arrays(offsets, canonical_column(pc.list_flatten(column)))
    whole = pc.binary_join_element_wise(b"[", pc.binary_join(encoded, b""), b"]", b"")
    return pc.if_else(column.is_null(), pa.scalar(None, pa.binary()), whole)


def _structs(column: Column) -> Any:
    names = sorted((field.name for field in column.type), key=_text)
    pieces: list[Any] = [b"{"]
    for name in names:
        pieces += [_text(name), canonical_column(pc.struct_field(column, name))]
    whole = pc.binary_join_element_wise(*pieces, b"}", b"")
    return pc.if_else(column.is_null(), pa.scalar(None, pa.binary()), whole)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _names_differ(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and kind.num_fields > 0 and len({field.name for field in kind}) == kind.num_fields


_COLUMNS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Any]], ...] = (
    (pa.types.is_null, lambda column: column.cast(pa.binary())),
    (pa.types.is_boolean, lambda column: pc.if_else(column, b"t", b"f")),
    (pa.types.is_integer, _integers),
    (pa.types.is_floating, _floats),
    (_is_text, lambda column: _counted("s", column)),
    (_is_bytes, lambda column: _counted("b", column)),
    (_is_list, _lists),
    (_names_differ, _structs),
)


def salt_of(names: Sequence[str]) -> bytes:
    """Return 16 bytes that stand for a set of field names: equal values of other fields give other digests."""
    return blake2b(b"".join(_text(name) for name in sorted(names)), digest_size=16).digest()


def digest(values: Mapping[str, Any]) -> bytes:
    """Return the 16-byte hash of a row's fields, in any order."""
    row = b"".join(canonical(values[name]) for name in sorted(values))
    return blake2b(row, digest_size=DIGEST_BYTES, salt=salt_of(tuple(values))).digest()


def digests(columns: Mapping[str, Column]) -> Column:
    """Return the 16-byte hash of every row of equally long columns: what `digest` gives for each (binary(16))."""
    names = sorted(columns)
    encoded = [canonical_column(columns[name]) for name in names]
    rows = pc.binary_join_element_wise(*encoded, b"") if len(encoded) > 1 else encoded[0]
    return hash_each(rows, salt_of(names))


def hash_each(rows: Column, salt: bytes) -> Column:
    """Return the salted 16-byte hash of each value of a binary array without nulls (binary(16))."""
    hashed = [blake2b(piece, digest_size=DIGEST_BYTES, salt=salt).digest() for piece in pieces_of(rows)]
    return pa.FixedSizeBinaryArray.from_buffers(DIGEST, len(hashed), [None, pa.py_buffer(b"".join(hashed))])


def pieces_of(column: Column) -> list[memoryview]:
    """Return views of the bytes of each value of a string or binary array without nulls; nothing is copied."""
    if not len(column):
        return []
    buffers: list[Any] = column.buffers()
    _, ends, content = buffers
    wide = pa.types.is_large_binary(column.type) or pa.types.is_large_string(column.type)
    offsets = memoryview(ends).cast("q" if wide else "i")[column.offset : column.offset + len(column) + 1]
    whole = memoryview(content) if content is not None else memoryview(b"")
    return [whole[start:stop] for start, stop in itertools.pairwise(offsets)]
