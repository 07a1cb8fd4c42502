"""Whether a value of one type may go where another is expected: structurally, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..types import (
    NONE,
    AnyType,
    ArrowType,
    CallType,
    DictType,
    FieldType,
    ListType,
    LiteralType,
    MissingType,
    OpaqueType,
    Record,
    Records,
    RecordType,
    ScalarType,
    Type,
    UnionType,
    VerdictType,
    describe,
)

Seen = frozenset[tuple[str, str]]
_WIDER = {("int", "float"), ("str", "code"), ("code", "str"), ("date", "datetime"), ("int", "decimal")}


def fits(source: Type, target: Type, records: Records, seen: Seen = frozenset()) -> str | None:  # noqa: C901, PLR0911 - one return a kind
    """Return why a value of type ``source`` can't be given as ``target``, or None where it can."""
    if isinstance(source, LiteralType) and isinstance(target, LiteralType):
        return _literal(source, target)  # before they are compared as a whole: to Python, True is 1
    if isinstance(target, AnyType | MissingType) or isinstance(source, AnyType | MissingType) or source == target:
        return None
    if isinstance(source, UnionType):
        return next((why for option in source.options if (why := fits(option, target, records, seen))), None)
    if isinstance(target, UnionType):
        return _one_of(source, target, records, seen)
    match source, target:
        case LiteralType(), _:
            return _literal(source, target)
        case ScalarType(), ScalarType():
            return None if (source.name, target.name) in _WIDER else _differs(source, target)
        case ListType(), ListType():
            return _inside(fits(source.item, target.item, records, seen), source, target)
        case DictType(), DictType():
            return _inside(fits(source.value, target.value, records, seen), source, target)
        case RecordType(), RecordType():
            return _record(records.get(source.ref), records.get(target.ref), records, seen)
        case RecordType(), DictType():
            return _record_as_dict(records.get(source.ref), target, records, seen)
        case _:
            return _differs(source, target)


def _differs(source: Type, target: Type) -> str:
    return f"{_article(describe(source))} is no {describe(target)}"


def _article(text: str) -> str:
    return f"{'an' if text[:1].lower() in 'aeiou' else 'a'} {text}" if text[:1].isalpha() and text != "None" else text


def _inside(why: str | None, source: Type, target: Type) -> str | None:
    return None if why is None else f"{describe(source)} is no {describe(target)}: {why}"


def _one_of(source: Type, target: UnionType, records: Records, seen: Seen) -> str | None:
    reasons = [fits(source, option, records, seen) for option in target.options]
    if None in reasons:
        return None
    real = [option for option in target.options if option != NONE]
    return reasons[target.options.index(real[0])] if len(real) == 1 else _differs(source, target)


def _literal(source: LiteralType, target: Type) -> str | None:
    if isinstance(target, LiteralType):
        extra = [value for value in source.values if not _among(value, target.values)]
        return f"{', '.join(map(str, extra))} is none of {describe(target)}" if extra else None
    wrong = next((value for value in source.values if value_fits(value, target, {})), None)
    return None if wrong is None else _differs(source, target)


def _among(value: Any, values: tuple[Any, ...]) -> bool:
    return any(value == one and type(value) is type(one) for one in values)


def _record(source: Record | None, target: Record | None, records: Records, seen: Seen) -> str | None:
    if source is None or target is None or (source.ref, target.ref) in seen:
        return None
    inner = seen | {(source.ref, target.ref)}
    for wanted in target.fields:
        why = _field(source.field(wanted.name), wanted, records, inner)
        if why:
            return f"{source.ref.partition(':')[2]} is no {target.ref.partition(':')[2]}: {why}"
    return None


def _field(given: FieldType | None, wanted: FieldType, records: Records, seen: Seen) -> str | None:
    if given is None:
        return f"it has no field {wanted.name}" if wanted.required else None
    if wanted.required and not given.required and given.type == wanted.type:
        return None  # a default fills it in before the value travels
    why = fits(given.type, wanted.type, records, seen)
    return f"its field {wanted.name}: {why}" if why else None


def _record_as_dict(source: Record | None, target: DictType, records: Records, seen: Seen) -> str | None:
    for one in source.fields if source else ():
        why = fits(one.type, target.value, records, seen)
        if why:
            return f"its field {one.name}: {why}"
    return None


def value_fits(value: Any, target: Type, records: Records) -> str | None:  # noqa: PLR0911 - one return a kind
    """Return why a literal of a spec can't be given as ``target``, or None where it can."""
    match target:
        case AnyType() | MissingType():
            return None
        case UnionType():
            reasons = [value_fits(value, option, records) for option in target.options]
            return None if None in reasons else _no(value, target)
        case LiteralType():
            return None if _among(value, target.values) else f"{_shown(value)} is none of {describe(target)}"
        case ScalarType():
            return None if _scalar_fits(value, target.name) else _no(value, target)
        case ListType() if isinstance(value, list | tuple):
            return next((why for item in value if (why := value_fits(item, target.item, records))), None)
        case DictType() if isinstance(value, Mapping):
            return next((why for item in value.values() if (why := value_fits(item, target.value, records))), None)
        case RecordType() if isinstance(value, Mapping):
            return _mapping_fits(value, records.get(target.ref), records)
        case OpaqueType() | ListType() | DictType() | RecordType() | ArrowType() | CallType() | VerdictType():
            return _no(value, target)


def _mapping_fits(value: Mapping[str, Any], record: Record | None, records: Records) -> str | None:
    if record is None:
        return None
    name = record.ref.partition(":")[2]
    for key, item in value.items():
        field = record.field(key)
        if field is None:
            return f"{name} has no field {key}"
        why = value_fits(item, field.type, records)
        if why:
            return f"{key}: {why}"
    missing = next((one.name for one in record.fields if one.required and one.name not in value), None)
    return f"{name} needs the field {missing}" if missing else None


def _scalar_fits(value: Any, name: str) -> bool:
    match name:
        case "none":
            return value is None
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float" | "decimal":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, str)


def _no(value: Any, target: Type) -> str:
    return f"{_shown(value)} is no {describe(target)}"


def _shown(value: Any) -> str:
    text = {True: "true", False: "false", None: "null"}.get(value) if value is None or isinstance(value, bool) else None
    return text or (repr(value) if isinstance(value, str | int | float) else "a list" if isinstance(value, list | tuple) else "a mapping")


def optional(type_: Type) -> Type:
    """Return a type with ``None`` among its options."""
    if isinstance(type_, AnyType | MissingType) or is_optional(type_):
        return type_
    options = type_.options if isinstance(type_, UnionType) else (type_,)
    return UnionType(options=(*options, NONE))


def is_optional(type_: Type) -> bool:
    """Return whether ``None`` is among a type's values."""
    return type_ == NONE or (isinstance(type_, UnionType) and NONE in type_.options)


def required(type_: Type) -> Type:
    """Return a type without ``None`` among its options."""
    if not isinstance(type_, UnionType):
        return type_
    options = tuple(option for option in type_.options if option != NONE)
    return options[0] if len(options) == 1 else UnionType(options=options)


def fields_of(type_: Type, records: Records) -> tuple[FieldType, ...] | None:
    """Return the fields of a record type, or None for what is no record."""
    record = required(type_)
    found = records.get(record.ref) if isinstance(record, RecordType) else None
    return found.fields if found is not None else None
