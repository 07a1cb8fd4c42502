"""One line of a source with marks below it, as wide as a terminal shows it."""

from __future__ import annotations

import unicodedata

from ..source import SourceFile, Span

WIDTH = 120
"""Columns of a line that are shown; of a longer one, the part around the marks."""
_TAB = "    "
_BEFORE = 40
_WIDE = frozenset("WF")
_JOINERS = frozenset({"Mn", "Me"})


def snippet(source: SourceFile, span: Span, mark: str) -> tuple[str, str]:
    """Return the first line of ``span`` and the marks that go below it; a span of no width gets one mark."""
    line = source.line(span.start.line)
    begin = min(span.start.column - 1, len(line))
    end = len(line) if span.end.line > span.start.line else min(span.end.column - 1, len(line))
    start, shown = _window(line, begin)
    lead = ("…" if start else "") + _drawn(line[start:begin])
    marked = _drawn(line[begin : max(end, begin)])
    text = ("…" if start else "") + _drawn(shown) + ("…" if start + len(shown) < len(line) else "")
    last = span.end.line if span.end.column > 1 else span.end.line - 1
    tail = f" … to line {last}" if last > span.start.line else ""
    room = max(_columns(text) - _columns(lead), 1)
    marks = mark * max(min(_columns(marked), room), 1)
    return text, f"{' ' * _columns(lead)}{marks}{tail}"


def printable(text: str) -> str:
    """Return text on one line that can't do anything to a terminal."""
    return "".join(letter if letter.isprintable() else " " if letter in "\r\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _window(line: str, begin: int) -> tuple[int, str]:
    """Return where the shown part of a line starts, and that part."""
    if _columns(_drawn(line)) <= WIDTH:
        return 0, line
    start = max(begin - _BEFORE, 0) if begin > WIDTH - _BEFORE else 0
    return start, line[start : start + WIDTH]


def _drawn(text: str) -> str:
    return "".join(_TAB if letter == "\t" else printable(letter) for letter in text)


def _columns(text: str) -> int:
    """Return how many columns a terminal takes for ``text``."""
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> int:
    if letter.isascii():
        return 1
    if unicodedata.category(letter) in _JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in _WIDE else 1
