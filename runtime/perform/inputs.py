"""A flow's inputs from the command line: checked against their type before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from ...compiler.diagnostics import did_you_mean
from ..failures import Refused
from ..ports import Json
from . import values

WHOLE = "inputs"
"""The name under which inputs without fields, such as ``inputs: str``, are given."""
_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
"""What pydantic calls a field that a record doesn't have."""
_LIST, _OBJECT = '["a", "b"]', '{"name": "a"}'
_GROUPS = {
    **dict.fromkeys(("list_type", "set_type", "frozen_set_type", "tuple_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "dataclass_type", "model_attributes_type"), _OBJECT),
}
"""What pydantic says of a text where several values belong, and how these are written on a command line."""


def read_inputs(type_text: str | None, given: Mapping[str, str], file: Path | None) -> Json:
    """Return a flow's inputs as JSON.

    Args:
        type_text: the plan's ``inputs``; None for a flow that takes none.
        given: ``-i`` texts by field; read as the field's type, or as JSON where a text doesn't fit.
        file: a JSON or YAML file that holds the fields; ``given`` lies over it.

    Raises:
        Refused: an unknown field, a missing one, a value of the wrong type; the message lists what may be given.
    """
    from_file = _read(file) if file is not None else {}
    if type_text is None:
        if given or from_file:
            raise Refused(f"this flow takes no inputs, and {next(iter(given), 'a file')} was given", help="leave it out")
        return None
    adapter = values.adapter(type_text)
    fields = _fields(type_text)
    if fields is None:
        return _whole(adapter, type_text, given, from_file if file is not None else None)
    if not isinstance(from_file, Mapping):
        raise Refused(f"{file} holds no mapping of fields", help=f"its fields are {', '.join(fields)}")
    for name in (*given, *from_file):
        if name not in fields:
            raise Refused(f"there is no input {name}", help=did_you_mean(name, fields) or f"the inputs are {', '.join(fields)}")
    told = {**from_file, **{name: _value(fields[name], text) for name, text in given.items()}}
    return _known(adapter, told, _checked(adapter, told, type_text, fields))


def _read(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file} can't be read: {error}", help="give a JSON or YAML file") from error


def _fields(type_text: str) -> dict[str, Any] | None:
    """Return the fields of a record with their annotations, or None for a type without fields."""
    resolved = values.resolve(type_text)
    found = getattr(resolved, "model_fields", None)
    if isinstance(found, Mapping):
        return {one.alias or name: one.annotation for name, one in found.items()}
    annotations = getattr(resolved, "__annotations__", None)
    return dict(annotations) if isinstance(annotations, Mapping) else None


def _whole(adapter: TypeAdapter[Any], type_text: str, given: Mapping[str, str], from_file: Any) -> Json:
    unknown = sorted(set(given) - {WHOLE})
    if unknown:
        raise Refused(f"there is no input {unknown[0]}", help=f"the flow takes one {type_text}: write -i {WHOLE}=VALUE")
    if WHOLE not in given and from_file is None:
        raise Refused(f"the flow's input is missing: it takes one {type_text}", help=f"write -i {WHOLE}=VALUE")
    told = _value(values.resolve(type_text), given[WHOLE]) if WHOLE in given else from_file
    return _known(adapter, told, _checked(adapter, told, type_text, {}))


def _value(annotation: Any, text: str) -> Any:
    """Return a text as a field's type wants it: as it is where that fits, else as JSON."""
    try:
        TypeAdapter(annotation).validate_python(text)
    except Exception:  # noqa: BLE001 - a check that user types may fail in any way; the whole is checked again
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text


def _checked(adapter: TypeAdapter[Any], told: Any, type_text: str, fields: Mapping[str, Any]) -> Json:
    try:
        return adapter.dump_python(adapter.validate_python(told), mode="json")
    except ValidationError as error:
        named = f"the inputs are {', '.join(fields)}" if fields else f"the flow takes one {type_text}"
        raise Refused(f"the inputs don't fit {type_text}: {values.explain(error)}", help=f"{named}{_as_json(error)}") from error


def _as_json(error: ValidationError) -> str:
    """Return how a list or an object is written, where a text was given for one."""
    for one in error.errors(include_url=False):
        if one["type"] in _GROUPS and isinstance(one["input"], str):
            name = str(one["loc"][0]) if one["loc"] else WHOLE
            return f"; lists and objects are written as JSON, like -i '{name}={_GROUPS[one['type']]}'"
    return ""


def _known(adapter: TypeAdapter[Any], told: Any, checked: Json) -> Json:
    """Return checked inputs; `Refused` where a record in them was given a field that it doesn't have, and would drop it."""
    try:
        adapter.validate_python(told, extra="forbid")
    except ValidationError as error:
        value = adapter.validate_python(told)
        for one in error.errors(include_url=False):
            if one["type"] in _UNKNOWN and not _takes_any(value, one["loc"]):
                name = ".".join(map(str, one["loc"]))
                raise Refused(f"there is no input {name}", help="leave it out, or spell it as its type does") from error
    return checked


def _takes_any(value: Any, loc: tuple[int | str, ...]) -> bool:
    """Return whether the record that has the last piece of a place says by itself what is to be done with other fields."""
    for piece in loc[:-1]:
        if isinstance(piece, int) and isinstance(value, list | tuple):
            value = value[piece]
        elif isinstance(value, Mapping):
            value = value.get(piece, value)
        else:  # what is no field is the name of a union's member, and leads nowhere
            value = getattr(value, str(piece), value)
    return getattr(value, "model_config", {}).get("extra") in {"allow", "ignore"}


def refit(type_text: str | None, inputs: Json) -> Json:
    """Return the inputs of an older run as a flow takes them now; `Refused` where they don't fit any more."""
    return None if type_text is None else _checked(values.adapter(type_text), inputs, type_text, _fields(type_text) or {})
