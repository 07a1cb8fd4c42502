"""Python values of declared types, to JSON and back, and the names by which a spec finds them."""

from __future__ import annotations

import importlib
import inspect
import types
import typing
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from ..failures import CallableError, Refused, Semantic
from ..ports import Json

Found = TypeVar("Found")
BUILT_IN: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool}


def once(look: Callable[[Any], Found]) -> Callable[[Any], Found]:
    """Remember what is found out about each function, or annotation; of one that has no hash it is found out each time."""
    remembered = lru_cache(maxsize=1024)(look)

    def found(one: Any) -> Found:
        try:
            return remembered(one)
        except TypeError:  # an instance of a plain dataclass with `__call__`, or ``Annotated[int, {…}]``
            return look(one)

    return found


@lru_cache(maxsize=1024)
def load(ref: str) -> Any:
    """Return what ``module.path:attr`` names; `Refused` says what is missing."""
    module, _, attribute = ref.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # a module may raise anything while it is imported
        msg = f"{ref} can't be imported: {type(error).__name__}: {error}"
        raise Refused(msg, help="run darner from where the spec's modules can be imported, or install them") from error
    return found


@lru_cache(maxsize=1024)
def adapter(type_text: str) -> TypeAdapter[Any]:
    """Return the validator of a type as a spec writes it: ``str``, ``shop.types:Plan``, ``list[TYPE]``."""
    return validator(resolve(type_text))


def resolve(type_text: str) -> Any:
    """Return the Python type that a spec's type text names."""
    text = type_text.strip()
    if text.startswith("list[") and text.endswith("]"):
        return types.GenericAlias(list, (resolve(text[5:-1]),))
    return BUILT_IN[text] if text in BUILT_IN else load(text)


def parameter_types(ref: str, function: Any) -> dict[str, Any]:
    """Return what a callable's parameters are annotated with; what it gives may be known to type checkers only.

    Raises:
        Refused: an annotation names what isn't there while the program runs.
    """
    if not hasattr(function, "__annotations__"):
        return {}
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is user code and may raise anything; that of a parameter does so again
        return _evaluated(ref, function)


def _evaluated(ref: str, function: Any) -> dict[str, Any]:
    def parameters() -> None: ...

    parameters.__annotations__ = {name: one for name, one in function.__annotations__.items() if name != "return"}
    try:
        return typing.get_type_hints(parameters, getattr(inspect.unwrap(function), "__globals__", {}), include_extras=True)
    except Exception as error:
        msg = f"the annotations of {ref} can't be read: {type(error).__name__}: {error}"
        raise Refused(msg, help="import what its parameters name where the program runs, not for type checkers only") from error


def validator(annotation: Any) -> TypeAdapter[Any]:
    """Return what holds values against a Python annotation; `Refused` where that can't be, with what to write instead."""
    try:
        return TypeAdapter(annotation)
    except PydanticUserError as error:
        reason = error.message.splitlines()[0]
        raise Refused(f"values can't be held against the type {shown(annotation)}: {reason}", help="nothing was started") from error


@once
def _any_adapter(annotation: Any) -> TypeAdapter[Any]:
    return validator(annotation)


def parse(annotation: Any, value: Json) -> Any:
    """Return a JSON value as an instance of a Python annotation; `Semantic` says which field is wrong."""
    if is_plain(annotation, value):
        return value
    try:
        return _any_adapter(annotation).validate_python(value)
    except ValidationError as error:
        raise Semantic(explain(error)) from error


def shown(annotation: Any) -> str:
    """Return a Python annotation as people write it."""
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def is_plain(annotation: Any, value: Any) -> bool:
    """Return whether a value is just what an annotation says, and the same in JSON: a number or a truth value.

    Others are asked about; a str, too, which may hold what JSON can't.
    """
    # A proxy's `__class__` is what it stands for, and not every class has a hash.
    kind = type(value)
    return kind is annotation and (kind is int or kind is float or kind is bool)


def dump(value: Any) -> Json:
    """Return a Python value as JSON; `CallableError` where it can't be written."""
    kind = type(value)
    if kind is int or kind is float or kind is bool:
        return value
    try:
        return _plain().dump_python(value, mode="json")
    except ValueError as error:
        msg = f"a value of type {type(value).__name__} can't be stored: {error}"
        raise CallableError(msg, help="return pydantic models, dataclasses, or plain lists, dicts and scalars") from error


@lru_cache(maxsize=1)
def _plain() -> TypeAdapter[Any]:
    """Return what writes any value as JSON. NaN and the infinities stay numbers: as the null of JSON they would fit no float."""
    return TypeAdapter(Any, config=ConfigDict(ser_json_inf_nan="constants"))


def explain(error: ValidationError) -> str:
    """Return a validation error as one line that names each wrong field."""
    parts = []
    for one in error.errors(include_url=False):
        place = ".".join(str(piece) for piece in one["loc"])
        parts.append(f"{place}: {one['msg']}" if place else one["msg"])
    return "; ".join(parts)
