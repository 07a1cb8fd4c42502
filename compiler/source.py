"""Source text with places in it: files, positions and spans (1-based; columns count code points)."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

_LINE_END = re.compile(r"\r\n|\n|\r")
"""What editors count as the end of a line: fewer characters than `str.splitlines` takes."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text: line and column, both from 1; the column counts code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one file, from ``start`` up to and not including ``end``."""

    path: str
    start: Position
    end: Position

    def __str__(self) -> str:
        """Return ``path:line:column``, the form that editors and terminals turn into links."""
        return f"{self.path}:{self.start.line}:{self.start.column}"


@dataclass(frozen=True)
class SourceFile:
    """One file as text. ``path`` is what people are shown; it is never opened here."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The text's lines without their ends; never empty."""
        return tuple(_LINE_END.split(self.text))

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return (0, *(found.end() for found in _LINE_END.finditer(self.text)))

    def line(self, number: int) -> str:
        """Return line ``number`` (from 1), or an empty text where the file has no such line."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def position(self, offset: int) -> Position:
        """Return the place of the code point at ``offset`` (from 0)."""
        index = max(bisect_right(self._starts, offset) - 1, 0)
        return Position(index + 1, offset - self._starts[index] + 1)

    def offset(self, position: Position) -> int:
        """Return the offset (from 0) of a place; one past the text's end for a place behind it."""
        index = position.line - 1
        return min(self._starts[index] + position.column - 1, len(self.text)) if index < len(self._starts) else len(self.text)

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets (from 0)."""
        return Span(self.path, self.position(start), self.position(end))
