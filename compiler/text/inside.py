"""Places inside a text of a spec: from an offset in the value to a line and column of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..source import SourceFile, Span
from .syntax import ScalarNode

_DOUBLE = re.compile(
    r"(?P<fold>[ \t]*(?:\r\n|\r|\n)\s*)"
    r"|(?P<joined>\\(?:\r\n|\r|\n)\s*)"
    r"|(?P<escape>\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.))"
    r"|(?P<letter>.)",
    re.DOTALL,
)
_SINGLE = re.compile(r"(?P<fold>[ \t]*(?:\r\n|\r|\n)\s*)|(?P<escape>'')|(?P<letter>.)", re.DOTALL)
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class InsideText:
    """One text of a spec. Offsets (from 0) count the code points of its value; all places are those of the file.

    Exact for plain texts on one line, quoted texts and ``|`` blocks; in folded texts a space stands for the whole gap
    between two words.
    """

    source: SourceFile
    node: ScalarNode

    @property
    def value(self) -> str:
        """The text itself."""
        return str(self.node.value)

    def span(self, start: int, end: int | None = None) -> Span:
        """Return where the characters from ``start`` up to ``end`` (by default one) are written."""
        first = self._at(start)
        if end == start:
            return self.source.span(first[0], first[0])
        last = first if end is None else self._at(max(end - 1, start))
        return self.source.span(first[0], max(last[1], first[0]))

    def line_span(self, line: int) -> Span:
        """Return where line ``line`` (from 1) of the value is written, without the spaces around it."""
        lines = self.value.split("\n")
        if not 0 < line <= len(lines):
            return self.node.span
        text = lines[line - 1]
        start = sum(len(before) + 1 for before in lines[: line - 1]) + len(text) - len(text.lstrip())
        return self.span(start, start + len(text.strip())) if text.strip() else self.span(start, start)

    def _at(self, offset: int) -> tuple[int, int]:
        places = self._places
        if 0 <= offset < len(places):
            return places[offset]
        end = places[-1][1] if places and offset > 0 else self.node.raw[0]
        return end, end

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        """Where in the file each character of the value begins and ends."""
        text, (start, end) = self.source.text, self.node.raw
        match self.node.style:
            case "double":
                return list(_quoted(text, start + 1, end - 1, _DOUBLE))
            case "single":
                return list(_quoted(text, start + 1, end - 1, _SINGLE))
            case "literal" if not _names_indent(text, start):
                return list(_literal(text, _after_line(text, start), end))
            case "literal" | "folded":
                return _aligned(text, _after_line(text, start), self.value)
            case "plain":
                return _aligned(text, start, self.value)


def _quoted(text: str, start: int, end: int, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for found in pattern.finditer(text, start, end):
        if found.lastgroup == "fold":
            yield from [found.span()] * max(len(_BREAK.findall(found[0])) - 1, 1)
        elif found.lastgroup == "joined":
            yield from [found.span()] * (len(_BREAK.findall(found[0])) - 1)
        else:
            yield found.span()


def _literal(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the places of a ``|`` block: each line without its indentation, each line end as one character."""
    lines = list(_LINE.finditer(text, start, end))
    indent = next((len(one[1]) - len(one[1].lstrip(" ")) for one in lines if one[1].strip(" ")), 0)
    for found in lines:
        yield from ((at, at + 1) for at in range(found.start() + min(indent, len(found[1])), found.end(1)))
        yield found.span(2)


def _names_indent(text: str, start: int) -> bool:
    """Whether a block's header gives an indentation (``|2``): it counts from the parent's, which only the parser knew."""
    return any(letter.isdigit() for letter in text[start : start + 3])


def _after_line(text: str, start: int) -> int:
    found = _BREAK.search(text, start)
    return found.end() if found else len(text)


def _aligned(text: str, start: int, value: str) -> list[tuple[int, int]]:
    """Match a value's visible characters one by one with the file's: folding changes nothing but white space."""
    places: list[tuple[int, int]] = []
    at = start
    for letter in value:
        while not letter.isspace() and at < len(text) and text[at] != letter:
            at += 1
        there = at < len(text) and text[at].isspace() == letter.isspace()
        places.append((at, at + there))
        at += there
    return places
