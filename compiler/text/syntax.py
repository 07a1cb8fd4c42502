"""The syntax tree: what a YAML text says, with the place of every key and value.

Every node's ``span`` is where it stands for a reader: an alias stands where ``*name`` is written, a block scalar where
its text begins (not at the ``|``). ``broken`` marks what was already reported, so that later stages stay quiet there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..source import Span

Scalar = str | int | float | bool | None
Style = Literal["plain", "single", "double", "literal", "folded"]


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value without parts. ``raw`` are the offsets (from 0) of how it is written, quotes and ``|`` included."""

    value: Scalar
    span: Span
    style: Style
    raw: tuple[int, int]
    origin: Span | None = None
    """For what came through an alias: where it is really written."""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """Values in order."""

    items: tuple[SyntaxNode, ...]
    span: Span
    origin: Span | None = None
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    name: str
    key: Span
    value: SyntaxNode


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Values by name, in the order of writing; names are text and differ from each other."""

    entries: tuple[Entry, ...]
    span: Span
    origin: Span | None = None
    broken: bool = False

    def entry(self, name: str) -> Entry | None:
        """Return the entry of that name, or None."""
        return next((one for one in self.entries if one.name == name), None)


SyntaxNode = ScalarNode | SequenceNode | MappingNode
Path = tuple[str | int, ...]


def to_value(node: SyntaxNode) -> object:
    """Return a tree as plain dicts, lists and scalars."""
    match node:
        case ScalarNode():
            return node.value
        case SequenceNode():
            return [to_value(item) for item in node.items]
        case MappingNode():
            return {entry.name: to_value(entry.value) for entry in node.entries}


def child(node: SyntaxNode, piece: str | int) -> SyntaxNode | None:
    """Return the value under one key or index of ``node``, or None."""
    match node:
        case MappingNode():
            entry = node.entry(str(piece))
            return entry.value if entry else None
        case SequenceNode() if isinstance(piece, int) and 0 <= piece < len(node.items):
            return node.items[piece]
        case _:
            return None


def descend(node: SyntaxNode, path: Path) -> SyntaxNode | None:
    """Return the value at ``path`` below ``node``, or None."""
    found: SyntaxNode | None = node
    for piece in path:
        found = child(found, piece) if found is not None else None
    return found


def walk(node: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yield a node and everything below it, in the order of writing."""
    yield node
    if isinstance(node, SequenceNode):
        for item in node.items:
            yield from walk(item)
    elif isinstance(node, MappingNode):
        for entry in node.entries:
            yield from walk(entry.value)
