"""What a user's function gave, held against what its annotation says."""

from __future__ import annotations

import inspect
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from functools import lru_cache
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from ..failures import CallableError
from . import values

WRONG_TYPE = "WrongType"
_AWAITED = (Coroutine, Awaitable)
"""What the annotation of a plain function says that gives something to be awaited; its last argument is the result."""


def conform(name: str, function: Callable[..., Any], result: Any) -> Any:
    """Return a result as what its function's annotation says: a model of a mapping, for one.

    Raises:
        CallableError: it is something else; its type is ``WrongType``.
    """
    return fitting(name, annotation_of(function), result)


def fitting(name: str, annotation: Any, result: Any) -> Any:
    """Return a value as what an annotation says; raises as `conform` does. What pydantic can't check is taken as it is."""
    if values.is_plain(annotation, result):
        return result
    adapter = _adapter(annotation)
    if adapter is None or gives_later(result.__class__):
        return result
    try:
        found = adapter.validate_python(result, by_alias=True, by_name=True)
    except ValidationError as error:
        gave = "None" if result is None else f"a value of type {type(result).__name__}"
        msg = f"{name} gave {gave}, and its annotation says {values.shown(annotation)}: {values.explain(error)}"
        raise CallableError(msg, type_name=WRONG_TYPE, help="mend the function, or its annotation") from error
    # An Iterable is checked while it is read, and would be used up by that.
    return result if gives_later(found.__class__) else found


# Asked of a value each time, this takes as long as all else that is asked of it.
@lru_cache(maxsize=1024)
def gives_later(kind: type) -> bool:
    """Return whether values of a type give others while they are read, and can be read once."""
    return issubclass(kind, Iterator | AsyncIterator)


@values.once
def annotation_of(function: Callable[..., Any]) -> Any:
    """Return what a function says that it gives, once it is awaited; ``Any`` where it doesn't say."""
    if inspect.isclass(function) or not hasattr(function, "__annotations__"):
        return Any
    try:
        said = typing.get_type_hints(function, include_extras=True).get("return", Any)
    except (NameError, TypeError):  # it names what is there for type checkers only
        return Any
    return (typing.get_args(said) or (Any,))[-1] if typing.get_origin(said) in _AWAITED else said


@values.once
def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    if annotation is Any:
        return None
    try:
        return TypeAdapter(annotation)
    except (PydanticUserError, TypeError):
        return None
