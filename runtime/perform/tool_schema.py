"""What a model is told about a Python callable: its parameters as a JSON Schema, its docstring as the description."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import typing_extensions
from pydantic import ConfigDict, Field, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from ..failures import Refused, Semantic
from . import values
from .results import annotation_of

IDEMPOTENCY_KEY = "idempotency_key"
"""The parameter of this name is handed the call's idempotency key; a model never sees it."""

_SECTION = re.compile(r"^\s*(Args|Arguments|Parameters):\s*$")
_ENTRY = re.compile(r"^(\s+)(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True)
class Interface:
    """A callable as a tool: ``schema`` is what a model sees, ``adapter`` turns arguments into Python values."""

    name: str
    function: Callable[..., Any]
    description: str
    schema: dict[str, Any]
    adapter: TypeAdapter[dict[str, Any]] = field(repr=False)
    takes_key: bool = False
    gives: Any = Any
    """What the callable says that it gives."""

    def parse(self, arguments: Any) -> dict[str, Any]:
        """Return keyword arguments as the callable wants them; `Semantic` says which are wrong."""
        try:
            return self.adapter.validate_python(arguments)
        except ValidationError as error:
            msg = f"wrong arguments for {self.name}: {values.explain(error)}"
            raise Semantic(msg) from error


def interface(name: str, function: Callable[..., Any], fixed: Collection[str] = ()) -> Interface:
    """Return how a callable is offered; ``fixed`` parameters are filled in by the spec. `Refused` where it can't be."""
    parameters = {one.name: one for one in _parameters(name, function)}
    _refuse_unknown(name, parameters, fixed)
    hidden = {IDEMPOTENCY_KEY, *fixed}
    doc = inspect.getdoc(function) or ""
    adapter = _adapter(name, function, [one for key, one in parameters.items() if key not in hidden], descriptions(doc))
    schema = adapter.json_schema()
    schema.pop("title", None)
    takes_key = IDEMPOTENCY_KEY in parameters and IDEMPOTENCY_KEY not in fixed
    return Interface(name, function, summary(doc), schema, adapter, takes_key, annotation_of(function))


def _parameters(name: str, function: Callable[..., Any]) -> list[inspect.Parameter]:
    found = list(inspect.signature(function).parameters.values())
    for one in found:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY):
            msg = f"the tool {name} has the parameter {one}, which a model can't fill in by name"
            raise Refused(msg, help="give it plain, annotated parameters")
    return found


def _refuse_unknown(name: str, parameters: Mapping[str, Any], fixed: Collection[str]) -> None:
    unknown = sorted(set(fixed) - set(parameters))
    if unknown:
        msg = f"`with` of the tool {name} names {', '.join(unknown)}, which its callable doesn't take"
        raise Refused(msg, help=f"it takes: {', '.join(parameters) or 'nothing'}")


def typed_dict(name: str, fields: Mapping[str, Any]) -> Any:
    """Return a TypedDict whose fields are known only when the program runs."""
    make: Any = typing_extensions.TypedDict
    return make(name, dict(fields))


def _adapter(
    name: str, function: Callable[..., Any], parameters: list[inspect.Parameter], told: Mapping[str, str]
) -> TypeAdapter[dict[str, Any]]:
    target = function if inspect.isfunction(function) or inspect.ismethod(function) else type(function).__call__
    hints = values.parameter_types(f"the tool {name}", target)
    fields = {one.name: _field(one, hints.get(one.name, Any), told.get(one.name)) for one in parameters}
    record = typed_dict(name, fields)
    record.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    try:
        return TypeAdapter(record)
    except PydanticSchemaGenerationError as error:
        msg = f"the tool {name} has a parameter of a type that no model can fill in: {error.message}"
        raise Refused(msg, help="use scalars, lists, pydantic models, or fix it with the tool's `with`") from error


def _field(one: inspect.Parameter, annotation: Any, description: str | None) -> Any:
    described = typing.Annotated[annotation, Field(description=description)] if description else annotation
    return typing_extensions.Required[described] if one.default is one.empty else typing_extensions.NotRequired[described]


def summary(doc: str) -> str:
    """Return a docstring without its sections of parameters, results and errors."""
    kept = re.split(r"^\s*(?:Args|Arguments|Parameters|Returns|Raises|Yields|Example|Examples):\s*$", doc, maxsplit=1, flags=re.MULTILINE)
    return kept[0].strip()


def descriptions(doc: str) -> dict[str, str]:
    """Return what a docstring's ``Args:`` section says of each parameter."""
    found: dict[str, str] = {}
    indent, current, inside = "", "", False
    for line in doc.splitlines():
        if _SECTION.match(line):
            inside = True
        elif inside and line.strip() and not line.startswith((" ", "\t")):
            inside = False
        elif inside and (entry := _ENTRY.match(line)) and (not indent or entry[1] == indent):
            indent, current = entry[1], entry[2]
            found[current] = entry[3].strip()
        elif inside and current and line.strip():
            found[current] = f"{found[current]} {line.strip()}".strip()
    return found
