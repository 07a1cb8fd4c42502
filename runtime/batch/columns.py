"""Values of declared types as Arrow columns, both ways; a type gives the same schema every time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Literal, Union

import pyarrow as pa
from pydantic import BaseModel, PydanticUserError, TypeAdapter
from typing_extensions import is_typeddict

from ...connectors.rows import json_column, to_values
from ..failures import CallableError, Semantic
from ..language import VectorMark
from ..perform.values import explain

JSON = pa.json_(pa.string())
"""What has no column type of its own (mappings, unions, Any) is kept as JSON text."""
_SCALARS: Mapping[Any, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    bytes: pa.binary(),
    dt.datetime: pa.timestamp("us", tz="UTC"),
    dt.date: pa.date32(),
    Decimal: pa.string(),  # exact at any scale
}
_LISTS = frozenset({list, set, frozenset, tuple, Sequence})
_WRAPPERS = frozenset({Annotated, typing.Required, typing.NotRequired})
_AS_THEY_ARE = frozenset({str, bool, int, float, bytes, dt.datetime, dt.date})


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a type: how it is stored, and what is done to a value first (None: nothing)."""

    name: str
    type: pa.DataType
    nullable: bool
    plain: Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class RowType:
    """A record type as rows: its columns, and how its instances are made and read."""

    annotation: Any
    adapter: TypeAdapter[Any]
    many: TypeAdapter[list[Any]]
    columns: tuple[Column, ...]
    keyed: bool
    """Instances are mappings (a TypedDict)."""

    @property
    def schema(self) -> pa.Schema:
        """Return the columns as Arrow fields; only those of optional fields may be null."""
        return pa.schema([pa.field(one.name, one.type, nullable=one.nullable) for one in self.columns])

    def of_each(self, values: Sequence[Any], name: str) -> list[Any]:
        """Return a field of every instance; None where a mapping lacks it."""
        return [value.get(name) for value in values] if self.keyed else list(map(attrgetter(name), values))


@lru_cache(maxsize=256)
def row_type(annotation: Any) -> RowType:
    """Return a pydantic model, dataclass or TypedDict as rows; `CallableError` for any other type."""
    hints = _hints(annotation)
    columns = tuple(_column(name, hint) for name, hint in hints.items())
    several: Any = list.__class_getitem__(annotation)
    try:
        one, many = TypeAdapter(annotation), TypeAdapter(several)
    except PydanticUserError as error:
        raise CallableError(f"{annotation.__name__} can't be checked: {error.message}") from error
    return RowType(annotation, one, many, columns, keyed=is_typeddict(annotation))


def _hints(annotation: Any) -> dict[str, Any]:
    if not _is_record(annotation):
        shown = getattr(annotation, "__name__", annotation)
        raise CallableError(f"{shown} has no fields to be columns", help="use a pydantic model, a dataclass or a TypedDict")
    hints = typing.get_type_hints(annotation, include_extras=True)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {name: hints[name] for name in annotation.model_fields}
    names = [one.name for one in dataclasses.fields(annotation)] if dataclasses.is_dataclass(annotation) else list(hints)
    return {name: hints[name] for name in names}


def _is_record(annotation: Any) -> bool:
    if is_typeddict(annotation) or dataclasses.is_dataclass(annotation):
        return True
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _column(name: str, hint: Any) -> Column:
    inner, optional = _required(hint)
    kind = arrow_type(inner)
    return Column(name, kind, optional, None if _goes_as_it_is(inner) else _plain(inner))


def _goes_as_it_is(hint: Any) -> bool:
    """Return whether Arrow takes values of an annotation without a look at each."""
    bare, _ = _bare(hint)
    if typing.get_origin(bare) in _LISTS:
        return arrow_type(bare) != JSON and all(_goes_as_it_is(_required(one)[0]) for one in typing.get_args(bare) if one is not Ellipsis)
    return bare in _AS_THEY_ARE or (typing.get_origin(bare) is Literal and arrow_type(bare) != JSON)


def _is_numbers(kind: Any) -> bool:
    return pa.types.is_list(kind) and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))


def _plain(hint: Any) -> Callable[[Any], Any]:
    """Return what makes plain Python values (dicts, lists, scalars that Arrow knows) of a field's value."""
    adapter = TypeAdapter(hint)
    mode: Literal["json", "python"] = "json" if arrow_type(hint) == JSON else "python"

    def plain(value: Any) -> Any:
        return _arrowable(adapter.dump_python(value, mode=mode, warnings="error"))

    return plain


def _arrowable(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _arrowable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_arrowable(item) for item in value]
    return value


def _bare(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return an annotation without ``Annotated``, ``Required`` and their like, and the marks that it carried."""
    marks: tuple[Any, ...] = ()
    while typing.get_origin(hint) in _WRAPPERS:
        marks += getattr(hint, "__metadata__", ())
        hint = typing.get_args(hint)[0]
    return hint, marks


def _required(hint: Any) -> tuple[Any, bool]:
    """Return an annotation without None, and whether it may be None or missing."""
    missing = typing.get_origin(hint) is typing.NotRequired
    bare, marks = _bare(hint)
    if typing.get_origin(bare) not in {Union, types.UnionType}:
        return hint, missing
    options = [one for one in typing.get_args(bare) if one is not type(None)]
    if len(options) == len(typing.get_args(bare)):
        return hint, missing
    inner: Any = Union[tuple(options)]  # noqa: UP007 - built from a list
    for mark in marks:
        inner = Annotated[inner, mark]
    return inner, True


def arrow_type(hint: Any) -> pa.DataType:
    """Return the Arrow type in which values of an annotation are kept."""
    bare, marks = _bare(_required(hint)[0])
    if VectorMark in marks:
        return pa.list_(pa.float32())
    if bare in _SCALARS:
        return _SCALARS[bare]
    if _is_record(bare):
        return pa.struct([pa.field(name, arrow_type(inner)) for name, inner in _hints(bare).items()])
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _of_values([member.value for member in bare])
    return _generic(bare)


def _generic(bare: Any) -> pa.DataType:
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is Literal:
        return _of_values(arguments)
    if origin in _LISTS or origin is typing.get_origin(Sequence[int]):
        items = {one for one in arguments if one is not Ellipsis}
        return pa.list_(arrow_type(items.pop())) if len(items) == 1 else JSON
    if origin in {Union, types.UnionType} and set(arguments) <= {int, float}:
        return pa.float64()
    return JSON


def _of_values(values: Sequence[Any]) -> pa.DataType:
    kinds = set(map(type, values))
    return _SCALARS.get(kinds.pop(), JSON) if len(kinds) == 1 else JSON


def encode(rows: RowType, values: Sequence[Any]) -> list[pa.Array[Any]]:
    """Return instances as columns; `Semantic` names the field whose values aren't of its type."""
    return [_encoded(rows, column, values) for column in rows.columns]


def _encoded(rows: RowType, column: Column, values: Sequence[Any]) -> pa.Array[Any]:
    fields: list[Any] = []
    try:
        fields = rows.of_each(values, column.name)
        if column.plain is not None:
            fields = [None if one is None else column.plain(one) for one in fields]
        if column.type == JSON:
            return json_column(fields)
        if not column.nullable and any(one is None for one in fields):
            raise Semantic(f"{column.name}: it is None, and its type doesn't allow that")
        return _vectors(column.type, fields) or pa.array(fields, column.type, from_pandas=False)
    except pa.ArrowException as error:
        raise _misplaced(column, fields) or Semantic(f"{column.name}: {error}") from error
    except (TypeError, ValueError, OverflowError, AttributeError, KeyError) as error:
        raise Semantic(f"{column.name}: {error}") from error


_NAMES: Mapping[pa.DataType, str] = {pa.string(): "str", pa.bool_(): "bool", pa.int64(): "int", pa.float64(): "float", pa.binary(): "bytes"}


def _misplaced(column: Column, values: Sequence[Any]) -> Semantic | None:
    """Return what is wrong in the words of the annotation, not of Arrow (to whom a str is bytes); None where Arrow says it better."""
    wanted = _NAMES.get(column.type)
    for value in values if wanted is not None else ():
        try:
            pa.array([value], column.type, from_pandas=False)
        except pa.ArrowException as error:
            is_of_another = isinstance(error, pa.ArrowTypeError) or "convert" in str(error)
            return (
                Semantic(f"{column.name}: it is of type {type(value).__name__}, and its annotation says {wanted}")
                if is_of_another
                else None
            )
    return None


def _vectors(kind: Any, values: Sequence[Any]) -> pa.Array[Any] | None:
    """Return a column of NumPy vectors, without making a Python number of each element; None for anything else."""
    if not (_is_numbers(kind) and values and all(hasattr(value, "dtype") for value in values)):
        return None
    import numpy as np  # noqa: PLC0415 - there only if user code brought it

    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    arrays: Any = pa.ListArray
    made: pa.Array[Any] = arrays.from_arrays(pa.array(ends), pa.array(np.concatenate(values), kind.value_type), type=kind)
    return made


def decode(rows: RowType, columns: Mapping[str, pa.Array[Any]], count: int) -> list[Any]:
    """Return instances, each None where its row doesn't fit the type (`misfit` says why). Unknown columns are left out."""
    raw = raw_rows(rows, columns, count)
    try:
        return rows.many.validate_python(raw, by_name=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a type's own validators raise what they like
        return [_one(rows, row) for row in raw]


def raw_rows(rows: RowType, columns: Mapping[str, pa.Array[Any]], count: int) -> list[dict[str, Any]]:
    """Return rows as dicts of those fields of the type that are there."""
    names = [one.name for one in rows.columns if one.name in columns]
    if not names:
        return [{} for _ in range(count)]
    lists = [to_values(columns[name]) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def _one(rows: RowType, row: Mapping[str, Any]) -> Any:
    try:
        return rows.adapter.validate_python(row, by_name=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - likewise; `misfit` tells it
        return None


def misfit(rows: RowType, row: Mapping[str, Any]) -> Semantic:
    """Return why a row doesn't fit a type."""
    from pydantic import ValidationError  # noqa: PLC0415 - only on the way to a message

    try:
        rows.adapter.validate_python(row, by_name=True)
    except ValidationError as error:
        return Semantic(f"the row doesn't fit {rows.annotation.__name__}: {explain(error)}", type_name="ValidationError")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - likewise
        said = f"{type(error).__name__}: {error}"
        return Semantic(f"the row doesn't fit {rows.annotation.__name__}: {said}", type_name=type(error).__name__)
    return Semantic(f"the row doesn't fit {rows.annotation.__name__}")


def conform(rows: RowType, value: Any) -> Any:
    """Return what a callable gave as an instance of its declared type; `Semantic` where it is something else."""
    if rows.keyed:
        if isinstance(value, Mapping):
            return value
    elif isinstance(value, rows.annotation):
        return value
    if isinstance(value, Mapping):
        made = _one(rows, value)
        if made is not None:
            return made
        raise misfit(rows, value)
    raise Semantic(f"the callable gave a {type(value).__name__}, and its annotation says {rows.annotation.__name__}", type_name="WrongType")
