"""Findings as people and machines read them: text with carets, JSON, annotations of GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..diagnostics import MAX_SHOWN, Diagnostic, Label
from ..source import SourceFile, Span
from .paint import PLAIN, Paint
from .snippet import printable, snippet


def as_text(diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile], *, paint: Paint = PLAIN, most: int = MAX_SHOWN) -> str:
    """Return findings as text, one after the other, with the lines of ``sources`` (by path) that they speak of.

    At most ``most`` are shown; a last line says how many there are besides.
    """
    blocks = ["\n".join(_block(one, sources, paint)) for one in diagnostics[:most]]
    rest = len(diagnostics) - most
    if rest > 0:
        blocks.append(f"and {rest} more")
    return "\n".join(f"{block}\n" for block in blocks)


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Return all findings as a JSON list; lines and columns count from 1, ends are exclusive."""
    return json.dumps([_object(one) for one in diagnostics], ensure_ascii=False, indent=2) + "\n"


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return all findings as workflow commands, which GitHub shows beside the lines of a change."""
    return "".join(f"{_command(one)}\n" for one in diagnostics)


def _block(one: Diagnostic, sources: Mapping[str, SourceFile], paint: Paint) -> Iterator[str]:
    ink = paint.error if one.severity == "error" else paint.warning
    yield f"{paint.strong(printable(str(one.span)))}: {ink(f'{one.severity}[{one.code}]')}: {paint.strong(printable(one.message))}"
    gutter = max(len(str(span.start.line)) for span in (one.span, *(label.span for label in one.labels)))
    yield from _seen(Label(one.span, ""), sources, gutter, paint, mark="^")
    for label in one.labels:
        yield from _labelled(label, sources, gutter, paint)
    pad = " " * (gutter + 1)
    yield from (f"{pad}{paint.gutter('=')} {paint.strong('note')}: {printable(note)}" for note in one.notes)
    if one.help:
        yield f"{pad}{paint.gutter('=')} {paint.strong('help')}: {printable(one.help)}"


def _labelled(label: Label, sources: Mapping[str, SourceFile], gutter: int, paint: Paint) -> Iterator[str]:
    yield f"{' ' * gutter}{paint.gutter(':::')} {printable(str(label.span))}"
    yield from _seen(label, sources, gutter, paint, mark="-")


def _seen(place: Label, sources: Mapping[str, SourceFile], gutter: int, paint: Paint, *, mark: str) -> Iterator[str]:
    span, text = place.span, place.message
    source = sources.get(span.path)
    if source is None:
        if text:
            yield f"{' ' * (gutter + 1)}{paint.gutter('=')} {printable(text)}"
        return
    line, marks = snippet(source, span, mark)
    ink = paint.error if mark == "^" else paint.label
    edge = paint.gutter("|")
    yield f"{' ' * (gutter + 1)}{edge}"
    yield f"{paint.gutter(f'{span.start.line:>{gutter}}')} {edge} {line}".rstrip()
    said = f"{marks} {printable(text)}" if text else marks
    indent = len(said) - len(said.lstrip())
    yield f"{' ' * (gutter + 1)}{edge} {said[:indent]}{ink(said[indent:])}"


def _object(one: Diagnostic) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message,
        **_place(one.span),
        "help": one.help,
        "notes": list(one.notes),
        "labels": [{"message": label.message, **_place(label.span)} for label in one.labels],
    }


def _place(span: Span) -> dict[str, Any]:
    return {
        "file": span.path,
        "line": span.start.line,
        "column": span.start.column,
        "end_line": span.end.line,
        "end_column": span.end.column,
    }


def _command(one: Diagnostic) -> str:
    place = {"file": one.span.path, "line": one.span.start.line, "endLine": one.span.end.line, "col": one.span.start.column}
    if one.span.start.line == one.span.end.line:
        place["endColumn"] = max(one.span.end.column - 1, one.span.start.column)
    properties = ",".join(f"{name}={_escaped(str(value), ',:')}" for name, value in {**place, "title": one.code}.items())
    labels = [f"{label.span}: {label.message}" for label in one.labels]
    text = "\n".join([one.message, *labels, *one.notes, *([f"help: {one.help}"] if one.help else [])])
    return f"::{one.severity} {properties}::{_escaped(text)}"


def _escaped(text: str, besides: str = "") -> str:
    for letter in "%\r\n" + besides:
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text
