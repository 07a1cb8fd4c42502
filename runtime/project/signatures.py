"""What a Python object looks like, as a `Signature`."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from ...compiler.signature import Parameter, Signature
from ...compiler.types import AnyType, LiteralType, MissingType, OpaqueType, RecordType, Type
from .annotations import Reader, hints_of

_VARIADIC: dict[Any, typing.Literal["args", "kwargs"]] = {
    inspect.Parameter.VAR_POSITIONAL: "args",
    inspect.Parameter.VAR_KEYWORD: "kwargs",
}


def read(ref: str, found: Any, reader: Reader) -> Signature:
    """Return the signature of what ``ref`` names; its records go into ``reader``."""
    if isinstance(found, type):
        return _class(ref, found, reader)
    if callable(found) and typing.get_origin(found) is None and found is not Any:
        return _function(ref, found, reader)
    return Signature(ref=ref, shape="type", type=reader.read(found))


def _class(ref: str, found: type, reader: Reader) -> Signature:
    type_ = reader.read(found)
    plain = isinstance(type_, RecordType | LiteralType)
    if not _has_call(found):
        return Signature(ref=ref, shape="type", type=type_, doc=_doc(found))
    called = found.__call__
    parameters, _ = _parameters(found, hints_of(vars(_initialised(found))["__init__"]), reader)
    return Signature(
        ref=ref,
        shape="class",
        parameters=parameters,
        doc=_doc(found),
        type=type_ if plain else None,
        called=_function(ref, functools.partial(called, None), reader),
    )


def _initialised(found: type) -> type:
    """Return the class whose ``__init__`` a class uses."""
    return next(one for one in found.__mro__ if "__init__" in vars(one))


def _has_call(found: type) -> bool:
    return any("__call__" in vars(one) for one in found.__mro__)


def _function(ref: str, found: Any, reader: Reader) -> Signature:
    bare = _bare(found)
    hints = hints_of(bare)
    parameters, returns = _parameters(found, hints, reader)
    waits = inspect.iscoroutinefunction(bare)
    return Signature(ref=ref, shape="function", parameters=parameters, returns=returns, is_async=waits, doc=_doc(found))


def _bare(found: Any) -> Any:
    """Return the function whose annotations count: without partials, wrappers and bound instances."""
    while isinstance(found, functools.partial):
        found = found.func
    found = inspect.unwrap(found)
    if inspect.isroutine(found) or isinstance(found, type):
        return found
    return _bare(type(found).__call__)


def _parameters(found: Callable[..., Any], hints: dict[str, Any], reader: Reader) -> tuple[tuple[Parameter, ...], Type]:
    try:
        signature = inspect.signature(found)
    except (ValueError, TypeError):  # written in C, without a text signature
        return (Parameter(name="args", type=AnyType(), required=False, variadic="args"),), MissingType()
    parameters = tuple(_parameter(one, hints, reader) for one in signature.parameters.values())
    return parameters, _type(signature.return_annotation, hints, "return", reader)


def _parameter(one: inspect.Parameter, hints: dict[str, Any], reader: Reader) -> Parameter:
    variadic: typing.Literal["no", "args", "kwargs"] = _VARIADIC.get(one.kind, "no")
    required = one.default is inspect.Parameter.empty and variadic == "no"
    return Parameter(name=one.name, type=_type(one.annotation, hints, one.name, reader), required=required, variadic=variadic)


def _type(annotation: Any, hints: dict[str, Any], name: str, reader: Reader) -> Type:
    if annotation is inspect.Parameter.empty:
        return MissingType()
    hint = hints.get(name, annotation)
    return OpaqueType(name=hint) if isinstance(hint, str) else reader.read(hint)


def _doc(found: Any) -> str:
    own = found.__doc__ if isinstance(found, type) else _bare(found).__doc__
    return inspect.cleandoc(own) if isinstance(own, str) else ""
