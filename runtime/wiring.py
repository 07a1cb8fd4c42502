"""Values through wires: references followed through JSON, parameters laid into texts, dollar signs unescaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ..compiler.wires import Ref, is_reference, parse_reference, substitute, unescape
from .failures import CallableError
from .ports import Json

_reference = lru_cache(maxsize=4096)(parse_reference)

Lookup = Callable[[str], Json]
"""Returns the value of a root: a step's result, ``inputs``, ``params``, the item of a map."""


def follow(ref: Ref, lookup: Lookup) -> Json:
    """Return what a reference points at; `CallableError` says which part of its path is missing."""
    value = lookup(ref.root)
    for depth, part in enumerate(ref.path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            at = Ref(ref.root, ref.path[:depth])
            raise CallableError(f"{ref}: there is no {part!r} in {at}, which is {_kind(value)}", type_name="MissingValue") from None
    return value


def _kind(value: Json) -> str:
    if isinstance(value, Mapping):
        return f"an object with {', '.join(map(str, value)) or 'nothing in it'}"
    return f"a list of {len(value)}" if isinstance(value, list) else "null" if value is None else type(value).__name__


def resolve(value: Any, lookup: Lookup, params: Mapping[str, Json]) -> Json:
    """Return a spec's value with every reference followed, ``${params.x}`` replaced, ``$$`` unescaped."""
    if isinstance(value, Mapping):
        return {key: resolve(item, lookup, params) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, lookup, params) for item in value]
    if is_reference(value) and (ref := _reference(value)) is not None:
        return follow(ref, lookup)
    return unescape(value) if isinstance(value, str) and value.startswith("$$") else substitute(value, params)
