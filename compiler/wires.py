"""Values that point at other values: ``$name.field`` references and ``${params.x}`` inside text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

RESERVED_ROOTS = frozenset({"inputs", "state", "round", "params", "secrets", "datasets"})
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REF = re.compile(rf"\$({_NAME})((?:\.(?:{_NAME}|\d+))*)")
_PARAM = re.compile(rf"\$\{{params\.({_NAME})\}}")


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference: where the value comes from, then the fields and indexes to follow."""

    root: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        """Return the reference as it is written in a spec."""
        return "$" + ".".join([self.root, *map(str, self.path)])


def is_reference(value: Any) -> bool:
    """Return whether a spec's value is meant as a reference (a ``$$`` is an escaped literal)."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith(("$$", "${"))


def parse_reference(text: str) -> Ref | None:
    """Return the reference that ``text`` writes, or None where it is not well formed."""
    found = _REF.fullmatch(text)
    if found is None:
        return None
    parts = found[2].split(".")[1:]
    return Ref(found[1], tuple(int(part) if part.isdigit() else part for part in parts))


def references(value: Any) -> Iterator[Ref]:
    """Yield every well-formed reference inside a spec's value, in the order of writing."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)
    elif is_reference(value) and (ref := parse_reference(value)) is not None:
        yield ref


def parameters(text: str) -> tuple[str, ...]:
    """Return the names of the parameters that ``${params.x}`` names inside ``text``."""
    return tuple(_PARAM.findall(text))


def substitute(value: Any, params: Mapping[str, Any]) -> Any:
    """Return ``value`` with every ``${params.x}`` inside its texts replaced; KeyError names an unknown one."""
    if isinstance(value, str):
        return _PARAM.sub(lambda found: str(params[found[1]]), value)
    if isinstance(value, Mapping):
        return {key: substitute(item, params) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [substitute(item, params) for item in value]
    return value


def unescape(value: Any) -> Any:
    """Return a literal as it was meant: a leading ``$$`` stands for one dollar sign."""
    return value[1:] if isinstance(value, str) and value.startswith("$$") else value
