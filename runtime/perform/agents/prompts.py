"""Prompts: strict, sandboxed Jinja, rendered from an agent's typed input and nothing else."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel

from ....compiler.meaning.prompts import WHOLE
from ...failures import CallableError, Refused
from .. import values


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """Jinja in which ``a.b`` is always data: a field of a record or a key of a mapping, never a method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a mapping's key before anything else, so that a key called ``items`` can be read."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


@lru_cache(maxsize=1)
def environment() -> PromptEnvironment:
    """Return the one environment: unknown names are errors, nothing is loaded, nothing is escaped."""
    # Prompts are plain text for a model: HTML escaping would change what the user wrote.
    return PromptEnvironment(undefined=StrictUndefined, autoescape=False, finalize=_shown, loader=None)


def _shown(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str | int | float | Undefined) or value is None:
        return value
    return json.dumps(values.dump(value), ensure_ascii=False)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    return environment().from_string(text)


def render(name: str, text: str, given: Any) -> str:
    """Return the prompt of agent ``name``: fields of ``given`` by their names, or a value without fields as ``input``.

    Raises:
        Refused: the text is no template.
        CallableError: it names what isn't there, or does what a prompt may not.
    """
    template = check(name, text)
    try:
        return template.render(variables(given))
    except Exception as error:
        msg = f"the prompt of {name} can't be rendered: {error}"
        raise CallableError(msg, type_name=type(error).__name__, help="`darner check` shows each variable of a prompt") from error


def check(name: str, text: str) -> Template:
    """Return a prompt ready to be rendered; `Refused` where it is no template."""
    try:
        return _compiled(text)
    except TemplateError as error:
        msg = f"the prompt of {name} is no template: {error}"
        raise Refused(msg, help="look at its {{ }} and {% %}") from error


def variables(given: Any) -> dict[str, Any]:
    """Return the names that a prompt sees: the fields of an input, or ``input`` for one without fields."""
    if isinstance(given, BaseModel):
        return {name: getattr(given, name) for name in type(given).model_fields}
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        return {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}
    if isinstance(given, Mapping):
        return dict(given)
    return {WHOLE: given}
