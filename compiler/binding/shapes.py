"""What the language allows at a place of a spec: a walk along the models' annotations, in words for people."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ..settings import Cache, CacheScope
from ..text.syntax import Path

_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a mapping",
    tuple: "a list",
    types.NoneType: "null",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place that the language knows: how it is reached in the text, and what may stand there.

    ``path`` has keys and indexes only, none of the tags that a validator adds; ``is_key`` says that it is about the
    last key itself; ``owner`` and ``field`` name the model's field that it belongs to.
    """

    path: Path
    annotation: Any
    is_key: bool = False
    owner: type[BaseModel] | None = None
    field: str = ""


def locate(root: type[BaseModel], loc: Path) -> Place:
    """Return the place that a validation error's ``loc`` means."""
    place = before = Place((), root)
    for piece in loc:
        if piece == "[key]":
            return replace(place, annotation=_key(before.annotation), is_key=True)
        after = _step(place, piece)
        place, before = (after, place) if after else (place, before)
    return place


def keys(annotation: Any) -> tuple[str, ...]:
    """Return the keys that a mapping may have here, in the order of the language; empty where any may stand."""
    model = _model(annotation)
    return tuple(info.alias or name for name, info in _fields(model).items()) if model is not None else ()


def expected(annotation: Any) -> str:
    """Return what may stand at a place, in words: ``text or a whole number``, ``one of off, run``."""
    arms = _arms(annotation)
    words = list(dict.fromkeys(_word(arm) for arm in arms if not (arm is int and float in arms)))
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def choices(annotation: Any) -> tuple[str, ...]:
    """Return the literal values that may stand at a place."""
    return tuple(str(value) for arm in _arms(annotation) if get_origin(arm) is Literal for value in get_args(arm))


def _key(annotation: Any) -> Any:
    return next((get_args(arm)[0] for arm in _arms(annotation) if get_origin(arm) is dict), str)


def _step(place: Place, piece: str | int) -> Place | None:
    """Return the place one key or index further on, or None where the piece is a validator's tag."""
    for arm in _arms(place.annotation):
        found = _inside(arm, piece)
        if found is not None:
            annotation, owner, field = found
            return Place((*place.path, piece), annotation, owner=owner or place.owner, field=field or place.field)
    return None


def _inside(arm: Any, piece: str | int) -> tuple[Any, type[BaseModel] | None, str] | None:
    origin, arguments = get_origin(arm), get_args(arm)
    if origin is dict and isinstance(piece, str):
        return arguments[1], None, ""
    if origin is tuple and isinstance(piece, int):
        return arguments[0], None, ""
    model = _model(arm)
    if model is None or not isinstance(piece, str):
        return None
    found = next((one for one in _fields(model).items() if piece in {one[0], one[1].alias}), None)
    return (found[1].annotation, model, piece) if found else (None, model, piece)


def _arms(annotation: Any) -> tuple[Any, ...]:
    """Return the alternatives of an annotation, without wrapping and without null."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _arms(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return tuple(inner for arm in get_args(annotation) if arm is not types.NoneType for inner in _arms(arm))
    return (annotation,)


def _model(annotation: Any) -> type[BaseModel] | None:
    return next((arm for arm in _arms(annotation) if isinstance(arm, type) and issubclass(arm, BaseModel)), None)


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return a model's fields; one that names a model below itself knows their types only once it was built."""
    model.model_rebuild()
    return model.model_fields


def _word(arm: Any) -> str:
    origin = get_origin(arm)
    if origin is Literal:
        values = [str(value) for value in get_args(arm)]
        return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    if arm is Cache:
        return f"{_word(CacheScope)}, or a mapping"
    if isinstance(arm, type) and issubclass(arm, BaseModel):
        return "a mapping"
    return _WORDS.get(origin or arm, "a value")
