"""Python callables of a spec, called with JSON: arguments become what their annotations say, results become JSON."""

from __future__ import annotations

import asyncio
import copy
import inspect
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..failures import CallableError, DarnerError
from ..language import Ask, Call
from ..ports import Json
from . import invoking as calling
from . import results, values
from .raising import failed, kept
from .threads import Threads

_HANDLES = (Call, Ask)


@dataclass(frozen=True)
class Callee:
    """A callable, ready to be called with JSON."""

    ref: str
    function: Callable[..., Any]
    adapters: Mapping[str, TypeAdapter[Any]]
    """By parameter; those that take handles aside."""
    is_async: bool
    handles: Mapping[str, Any] = field(default_factory=dict)
    """Annotations of the parameters that take handles: ``Call[In, Out]``, ``Ask[Out]``."""

    def arguments(self, given: Json, *, named: bool, beside: Collection[str] = ()) -> dict[str, Any]:
        """Return keyword arguments: ``given`` by their names, or as the value of the only parameter that isn't ``beside``."""
        told = given if named else {only_parameter(self.ref, tuple(name for name in self.adapters if name not in beside)): given}
        unknown = sorted(set(told) - set(self.adapters))
        if unknown:
            raise CallableError(f"{self.ref} takes {', '.join(self.adapters) or 'nothing'}, not {unknown[0]}", type_name="TypeError")
        return {name: self._parsed(name, value) for name, value in told.items()}

    def _parsed(self, name: str, value: Json) -> Any:
        try:
            # A copy, so that what a callable does to its arguments stays its own affair.
            return self.adapters[name].validate_python(copy.deepcopy(value))
        except ValidationError as error:
            msg = f"{self.ref} can't take this as {name}: {values.explain(error)}"
            raise CallableError(msg, type_name="ValidationError") from error


def only_parameter(ref: str, names: tuple[str, ...]) -> str:
    """Return the parameter that ``with: REF`` gives its value to; `CallableError` where there isn't exactly one."""
    if len(names) != 1:
        raise CallableError(f"{ref} takes {', '.join(names) or 'nothing'}, so one value can't be passed to it", type_name="TypeError")
    return names[0]


@lru_cache(maxsize=1024)
def callee(ref: str) -> Callee:
    """Return what ``module.path:attr`` names, ready to be called; `Refused` where it can't be imported."""
    function = values.load(ref)
    signature = inspect.signature(function)
    target = function.__init__ if inspect.isclass(function) else function
    hints = values.parameter_types(ref, target)
    named = [one.name for one in signature.parameters.values() if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}]
    handles = {name: hints[name] for name in named if (typing.get_origin(hints.get(name)) or hints.get(name)) in _HANDLES}
    adapters = {name: values.validator(hints.get(name, Any)) for name in named if name not in handles}
    return Callee(ref, function, adapters, inspect.iscoroutinefunction(function), handles)


async def invoke(threads: Threads, ref: str, given: Json, *, named: bool) -> Json:
    """Return a callable's result as JSON; ``named`` says whether ``given`` holds arguments by name, or is the only one.

    Raises:
        CallableError: it raised, and its exception is the ``__cause__``; or its arguments or its result don't fit.
        DarnerError: what it raised of these itself, as it is.
    """
    result = await returned(threads, ref, given, named=named)
    return calling.storable(ref, results.conform(ref, callee(ref).function, result))


def call_here(loop: asyncio.AbstractEventLoop, ref: str, given: Json, *, named: bool) -> Json:
    """Return a callable's result as JSON, called in this thread, whose ``loop`` doesn't run; raises as `invoke` does."""
    found = callee(ref)
    arguments = found.arguments(given, named=named)
    with _raising(ref):
        result = calling.invoke_here(loop, ref, found.function, arguments)
    return calling.storable(ref, results.conform(ref, found.function, result))


async def returned(threads: Threads, ref: str, given: Json, *, named: bool) -> Any:
    """Return a callable's result as it is; see `invoke`."""
    found = callee(ref)
    arguments = found.arguments(given, named=named)
    with _raising(ref):
        return await calling.invoke(threads, ref, found.function, arguments)


@contextmanager
def _raising(ref: str) -> Iterator[None]:
    try:
        yield
    except DarnerError as error:
        kept(error)
        raise
    except Exception as error:
        raise failed(ref, error) from error


def is_named(written: Any) -> bool:
    """Return whether what a spec writes as ``with`` gives arguments by name, and not one value."""
    return written is None or isinstance(written, Mapping)
