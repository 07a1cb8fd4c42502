"""Following a path (``.items.0.price``) into a type."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import did_you_mean
from ..types import AnyType, DictType, ListType, MissingType, Records, RecordType, Type, UnionType, describe
from .assign import is_optional, optional, required


@dataclass(frozen=True, slots=True)
class Astray:
    """A path that leads nowhere: how many of its pieces were right, why the next one isn't, and what may help."""

    at: int
    message: str
    help: str | None = None


def follow(type_: Type, path: tuple[str | int, ...], records: Records) -> Type | Astray:
    """Return the type at the end of a path; through something optional, the end is optional too."""
    found, through_none = type_, False
    for index, piece in enumerate(path):
        through_none = through_none or is_optional(found)
        step = _step(required(found), piece, records)
        if isinstance(step, Astray):
            return Astray(index, step.message, step.help)
        found = step
    return optional(found) if through_none else found


def _step(type_: Type, piece: str | int, records: Records) -> Type | Astray:  # noqa: PLR0911 - one return a kind
    match type_:
        case AnyType() | MissingType():
            return AnyType()
        case RecordType():
            return _field(type_, piece, records)
        case ListType() if isinstance(piece, int):
            return type_.item
        case DictType():
            return type_.value
        case UnionType():
            return _options(type_, piece, records)
        case ListType():
            return Astray(0, f"{describe(type_)} has no field {piece}", "one item of a list is .0, all of them are read with map")
        case _:
            return Astray(0, f"{describe(type_)} has no field {piece}")


def _field(type_: RecordType, piece: str | int, records: Records) -> Type | Astray:
    record = records.get(type_.ref)
    if record is None:
        return AnyType()
    found = record.field(str(piece))
    if found is not None:
        return found.type
    return Astray(0, f"{describe(type_)} has no field {piece}", did_you_mean(str(piece), [one.name for one in record.fields]))


def _options(type_: UnionType, piece: str | int, records: Records) -> Type | Astray:
    found: dict[Type, None] = {}
    for option in type_.options:
        step = _step(option, piece, records)
        if isinstance(step, Astray):
            return step
        found[step] = None
    return next(iter(found)) if len(found) == 1 else UnionType(options=tuple(found))
