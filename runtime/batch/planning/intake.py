"""Source batches as columns of the declared type, and the rows that don't fit it.

What Arrow's own types already guarantee is not looked at again; a field with constraints is validated as a column, and
only a type with validators of its own is validated row by row.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from ....connectors.rows import is_json, json_column, to_values
from ..arrow import Column, compute, one_array
from ..columns import Column as FieldColumn
from ..columns import row_type

_BARE = frozenset({str, bool, int, float})
_HARMLESS = frozenset(
    {"title", "frozen", "extra", "populate_by_name", "validate_by_name", "validate_by_alias", "arbitrary_types_allowed"}
    | {"validate_default", "defer_build", "use_attribute_docstrings", "json_schema_extra", "protected_namespaces", "validate_assignment"}
)
"""Settings of a pydantic model under which its fields accept what they would accept alone."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One row of a batch (from 0) that does not fit: the field, the value, and what is wrong with it."""

    row: int
    field: str
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What one field of the declared type accepts."""

    column: FieldColumn
    annotation: Any
    required: bool
    default: Any
    exact: bool
    """Its Arrow type and no nulls say everything."""

    @property
    def many(self) -> TypeAdapter[list[Any]]:
        """A validator of many values, None among them."""
        return _many(self.annotation)


@dataclass(frozen=True, slots=True)
class Intake:
    """How rows of a declared type are taken in."""

    annotation: Any
    rules: dict[str, FieldRule] = field(hash=False)
    whole: bool
    """The type has validators of its own: rows are validated whole, with all their fields."""


@lru_cache(maxsize=64)
def intake_of(annotation: Any) -> Intake:
    """Return the rules of a pydantic model, dataclass or TypedDict."""
    rules = {column.name: _rule(annotation, column) for column in row_type(annotation).columns}
    return Intake(annotation, rules, whole=_has_validators(annotation))


@lru_cache(maxsize=1024)
def _many(annotation: Any) -> TypeAdapter[list[Any]]:
    optional_list: Any = list[annotation | None]
    return TypeAdapter(optional_list)


def _rule(annotation: Any, column: FieldColumn) -> FieldRule:
    hint, required, default = _declared(annotation, column.name)
    return FieldRule(column, hint, required, default, exact=_is_exact(hint))


def _declared(annotation: Any, name: str) -> tuple[Any, bool, Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        info: FieldInfo = annotation.model_fields[name]
        hint = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        default = info.get_default(call_default_factory=True, validated_data={})
        return hint, info.is_required(), None if default is PydanticUndefined else default
    hints = typing.get_type_hints(annotation, include_extras=True)
    if typing.is_typeddict(annotation):
        return hints[name], name in annotation.__required_keys__, None
    one = next(one for one in dataclasses.fields(annotation) if one.name == name)
    if one.default is not dataclasses.MISSING:
        return hints[name], False, one.default
    if one.default_factory is not dataclasses.MISSING:
        return hints[name], False, one.default_factory()
    return hints[name], True, None


def _is_exact(hint: Any) -> bool:
    if hint in _BARE:
        return True
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is list:
        return arguments[0] in _BARE
    options = [one for one in arguments if one is not type(None)]
    return len(options) == 1 and type(None) in arguments and _is_exact(options[0])


def _has_validators(annotation: Any) -> bool:
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return hasattr(annotation, "__post_init__")
    decorators = annotation.__pydantic_decorators__
    own = decorators.validators or decorators.field_validators or decorators.root_validators or decorators.model_validators
    built = any(
        "__get_pydantic_core_schema__" in vars(one) or "model_post_init" in vars(one)
        for one in annotation.__mro__[:-2]
        if one is not BaseModel
    )
    aliased = any(info.validation_alias is not None for info in annotation.model_fields.values())
    return bool(own) or built or aliased or not set(annotation.model_config) <= _HARMLESS


def take_in(intake: Intake, batch: pa.RecordBatch, names: Sequence[str]) -> tuple[dict[str, Column], list[Misfit]]:
    """Return the fields ``names`` as columns of their declared types, and the rows that don't fit, one finding a row.

    A row that doesn't fit has null where it doesn't. A field that is missing, or null where the type has a default
    and doesn't allow None, is its default.
    """
    columns: dict[str, Column] = {}
    found: dict[int, Misfit] = {}
    for name in names:
        rule = intake.rules[name]
        given = one_array(batch.column(name)) if name in batch.schema.names else pa.nulls(batch.num_rows)
        columns[name], wrong = _field(rule, given)
        for one in wrong:
            found.setdefault(one.row, one)
    if intake.whole:
        for one in _whole(intake, columns, set(found), batch.num_rows):
            found.setdefault(one.row, one)
    return columns, [found[row] for row in sorted(found)]


def _field(rule: FieldRule, given: Column) -> tuple[Column, list[Misfit]]:
    wanted = rule.column.type
    cast = _cast(given, wanted)
    wrong: list[Misfit] = []
    if cast is None or not rule.exact or _has_empty_items(cast):
        cast, wrong = _validated(rule, given, cast)
    if rule.column.nullable or not cast.null_count:
        return cast, wrong
    if not rule.required:
        plain = rule.default if rule.column.plain is None else rule.column.plain(rule.default)
        return compute.if_else(cast.is_valid(), cast, one_array(_built([plain], wanted)).take(pa.array([0] * len(cast)))), wrong
    seen = {one.row for one in wrong}
    missing = [row for row in compute.indices_nonzero(cast.is_null()).to_pylist() if row not in seen]
    return cast, wrong + [Misfit(row, rule.column.name, None, "it is missing") for row in missing]


def _cast(given: Column, wanted: pa.DataType) -> Column | None:
    """Return a column in the wanted type where no value changes its meaning; None where Python must look."""
    if given.type == wanted:
        return given
    if pa.types.is_dictionary(given.type):
        return _cast(given.cast(given.type.value_type), wanted)
    if not _may_cast(given.type, wanted):
        return None
    try:
        return given.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _may_cast(given: pa.DataType, wanted: pa.DataType) -> bool:
    kinds = pa.types
    if kinds.is_null(given):
        return not is_json(wanted)
    if kinds.is_list(given) or kinds.is_large_list(given):
        return kinds.is_list(wanted) and (given.value_type == wanted.value_type or _may_cast(given.value_type, wanted.value_type))
    if kinds.is_string(given) or kinds.is_large_string(given):
        return any(fits(wanted) for fits in (kinds.is_string, kinds.is_integer, kinds.is_floating, kinds.is_timestamp, kinds.is_date))
    if kinds.is_integer(given) or kinds.is_floating(given):
        return kinds.is_integer(wanted) or kinds.is_floating(wanted)
    return kinds.is_timestamp(given) and kinds.is_timestamp(wanted)


def _has_empty_items(column: Column) -> bool:
    return pa.types.is_list(column.type) and compute.list_flatten(column).null_count > 0


def _validated(rule: FieldRule, given: Column, cast: Column | None) -> tuple[Column, list[Misfit]]:
    values = to_values(given)
    try:
        valid, wrong = rule.many.validate_python(values), []
    except ValidationError as error:
        wrong = _misfits(error, rule.column.name, values)
        bad = {one.row for one in wrong}
        valid = rule.many.validate_python([None if row in bad else value for row, value in enumerate(values)])
        cast = None
    if cast is not None:
        return cast, wrong
    plain = rule.column.plain
    stored = valid if plain is None else [None if value is None else plain(value) for value in valid]
    return _built(stored, rule.column.type), wrong


def _built(values: list[Any], wanted: pa.DataType) -> Column:
    return json_column(to_jsonable_python(values)) if is_json(wanted) else pa.array(values, wanted)


def _misfits(error: ValidationError, name: str, values: Sequence[Any]) -> list[Misfit]:
    found: dict[int, Misfit] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        row = int(one["loc"][0])
        inner = ".".join(str(piece) for piece in one["loc"][1:] if isinstance(piece, int) or piece in _fields_of(values[row]))
        found.setdefault(row, Misfit(row, f"{name}.{inner}" if inner else name, values[row], one["msg"]))
    return list(found.values())


def _fields_of(value: Any) -> Sequence[str]:
    """Return the keys of a mapping: of an error's place, only what stands in the data is shown, not pydantic's tags."""
    return list(value) if isinstance(value, dict) else ()


def _whole(intake: Intake, columns: dict[str, Column], known: set[int], count: int) -> list[Misfit]:
    lists = {name: to_values(column) for name, column in columns.items()}
    rows = [{name: values[row] for name, values in lists.items()} for row in range(count) if row not in known]
    numbers = [row for row in range(count) if row not in known]
    try:
        row_type(intake.annotation).many.validate_python(rows, by_name=True)
    except ValidationError as error:
        found: dict[int, Misfit] = {}
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            place, *inner = one["loc"]
            name = str(inner[0]) if inner else ""
            row = rows[int(place)]
            found.setdefault(int(place), Misfit(numbers[int(place)], name, row.get(name, row), one["msg"]))
        return list(found.values())
    return []


def shown(value: Any) -> str:
    """Return a value as one short line of JSON, for messages."""
    text = json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - what fits a line beside the place
