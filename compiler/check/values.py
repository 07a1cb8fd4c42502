"""Values of a spec against the types that they are given to: references followed, literals compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..diagnostics import closest, did_you_mean
from ..meaning.assign import fields_of, fits, is_optional, required, value_fits
from ..meaning.follow import Astray, follow
from ..text.syntax import Path
from ..types import AnyType, DictType, ListType, Records, RecordType, ScalarType, Type, UnionType, describe
from ..wires import is_reference, parameters, parse_reference


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing wrong in a value: the code of the finding, and where inside the value."""

    code: str
    message: str
    path: Path
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Visible:
    """What references may name, with types; ``hidden`` are names that exist but can't be seen from here, with the reason."""

    types: Mapping[str, Type]
    records: Records
    hidden: Mapping[str, str]


def references_lead_somewhere(value: Any, visible: Visible, path: Path = ()) -> Iterator[Misfit]:
    """Yield what is wrong with the references and ``${params.x}`` inside a value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from references_lead_somewhere(item, visible, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from references_lead_somewhere(item, visible, (*path, index))
    elif isinstance(value, str):
        yield from _text(value, visible, path)


def _text(text: str, visible: Visible, path: Path) -> Iterator[Misfit]:
    known = fields_of(visible.types.get("params", AnyType()), visible.records) or ()
    names = [one.name for one in known]
    for name in parameters(text):
        if name not in names:
            yield Misfit(
                "E309", f"there is no parameter {name}", path, did_you_mean(name, names) or f"add it: params: {{{name}: {{type: str}}}}"
            )
    if not is_reference(text):
        return
    ref = parse_reference(text)
    if ref is None:
        yield Misfit(
            "E304", f"{text} is no reference", path, "write $name.field, with .0 for an index; text that starts with $ is written $$"
        )
    elif ref.root not in visible.types:
        meant = closest(ref.root, {*visible.types, *visible.hidden}) or did_you_mean(ref.root, visible.types)
        yield Misfit("E305", f"${ref.root} points at nothing", path, visible.hidden.get(ref.root) or meant)
    else:
        found = follow(visible.types[ref.root], ref.path, visible.records)
        if isinstance(found, Astray):
            yield Misfit("E308", found.message, path, found.help)


def fits_into(value: Any, target: Type, visible: Visible, path: Path = ()) -> Iterator[Misfit]:
    """Yield why a value, with references in it, can't be given as ``target``."""
    if is_reference(value):
        why = fits(type_of(value, visible), target, visible.records)
    elif isinstance(value, str) and parameters(value):
        why = fits(ScalarType(name="str"), target, visible.records)
    elif _has_references(value) and not isinstance(required(target), AnyType | UnionType):
        yield from _inside(value, required(target), visible, path)
        return
    else:
        why = None if _has_references(value) else value_fits(value, target, visible.records)
    if why is not None:
        yield Misfit("E406", why, path, _may_be_missing(value, target, visible))


def _may_be_missing(value: Any, target: Type, visible: Visible) -> str | None:
    """Return what to do about a value that may be None where the target may not."""
    if not is_reference(value) or not is_optional(type_of(value, visible)) or is_optional(target):
        return None
    return f"{value} may be missing: take {describe(target)} | None, or give a value that is always there"


def _inside(value: Any, target: Type, visible: Visible, path: Path) -> Iterator[Misfit]:
    """Look at the parts of a list or mapping that has references in it."""
    match value, target:
        case list() | tuple(), ListType():
            for index, item in enumerate(value):
                yield from fits_into(item, target.item, visible, (*path, index))
        case Mapping(), DictType():
            for key, item in value.items():
                yield from fits_into(item, target.value, visible, (*path, key))
        case Mapping(), RecordType():
            yield from _into_record(value, target, visible, path)
        case _:
            yield Misfit("E406", value_fits(value, target, visible.records) or "it doesn't fit", path)


def _into_record(value: Mapping[str, Any], target: RecordType, visible: Visible, path: Path) -> Iterator[Misfit]:
    record = visible.records.get(target.ref)
    name = target.ref.partition(":")[2]
    for one in record.fields if record is not None else ():
        if one.name in value:
            yield from fits_into(value[one.name], one.type, visible, (*path, one.name))
        elif one.required:
            yield Misfit("E405", f"{name} needs the field {one.name}", path)
    for key in value:
        if record is not None and record.field(key) is None:
            yield Misfit("E404", f"{name} has no field {key}", (*path, key), did_you_mean(key, [one.name for one in record.fields]))


def _has_references(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_references(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_references(item) for item in value)
    return isinstance(value, str) and (is_reference(value) or bool(parameters(value)))


def type_of(value: str, visible: Visible) -> Type:
    """Return the type that a reference points at, ``Any`` where it leads nowhere: that is reported elsewhere."""
    ref = parse_reference(value)
    if ref is None:
        return AnyType()
    found = follow(visible.types.get(ref.root, AnyType()), ref.path, visible.records)
    return AnyType() if isinstance(found, Astray) else found
