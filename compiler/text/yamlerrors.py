"""What the errors of the YAML parser mean to the person who wrote the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from yaml.error import MarkedYAMLError

from ..diagnostics import Findings, Label
from ..source import SourceFile, Span


@dataclass(frozen=True, slots=True)
class _Meaning:
    """A pattern of the parser's words, what it means, what to do, and which of the parser's two places is the right one."""

    pattern: str
    message: str
    help: str
    at: Literal["problem", "context"] = "problem"


_MEANINGS = (
    _Meaning(
        r"mapping values are not allowed",
        "a ':' is not allowed here",
        "quote a value that has ': ' in it; else compare the indentation with the lines before",
    ),
    _Meaning(
        r"could not find expected ':'", "a ':' is missing after this", "a key is followed by ': '; a text on several lines by |", "context"
    ),
    _Meaning(r"unexpected end of stream", "this quote is never closed", "close it, or write a text on several lines with |", "context"),
    _Meaning(r"expected ',' or '([]}])', but got '<stream end>'", "this is never closed with {0}", "close it", "context"),
    _Meaning(r"expected ',' or '([]}])'", "a ',' or a '{0}' is expected here", "is a bracket or brace not closed, or a comma missing?"),
    _Meaning(r"expected <block end>, but found '([]},])'", "'{0}' has no beginning", "remove it, or quote the text that it stands in"),
    _Meaning(
        r"expected <block end>",
        "this doesn't fit what stands before it",
        "indent it like its neighbours; a quote inside quotes is doubled or escaped",
    ),
    _Meaning(r"found character '(.)' that cannot start", "a value can't begin with {0}", "quote the value"),
    _Meaning(r"unknown escape character '(.)'", "\\{0} is no escape", "double the backslash, or use single quotes"),
    _Meaning(r"sequence entries are not allowed", "a list can't begin here", "write the list below its key, or as [a, b]"),
)


def explain(source: SourceFile, error: MarkedYAMLError, findings: Findings) -> None:
    """Write what the parser stopped at to ``findings``, in words for people."""
    problem = error.problem or "it can't be read"
    here = _offset(source, error.problem_mark or error.context_mark)
    opened = _offset(source, error.context_mark) if error.context_mark else None
    if problem.startswith("found character '\\t'"):
        findings.error("E106", "a tab can't indent", source.span(here, here + 1), help="use spaces")
        return
    meaning, found = _meaning(problem)
    if meaning.at == "context" and opened is not None:
        here = opened
    in_brackets = opened is not None and opened != here and "flow" in (error.context or "")
    labels = [Label(source.span(opened, opened + 1), "opened here")] if opened is not None and in_brackets else []
    help_ = 'quote the text: "${params.x}"' if source.text[max(here - 1, 0) : here + 1] == "${" else meaning.help
    message = meaning.message.format(*(found.groups() if found else [problem]))
    findings.error("E105", message, _marked(source, here), labels=labels, help=help_)


def _meaning(problem: str) -> tuple[_Meaning, re.Match[str] | None]:
    for meaning in _MEANINGS:
        found = re.search(meaning.pattern, problem)
        if found is not None:
            return meaning, found
    return _Meaning("", "this is not YAML: {0}", "check the indentation and the quotes around this place"), None


def _offset(source: SourceFile, mark: object) -> int:
    index: int = getattr(mark, "index", 0)
    return min(index, len(source.text))


def _marked(source: SourceFile, start: int) -> Span:
    """Mark the word at a place: up to white space or a sign that ends it."""
    found = re.compile(r"[^\s,\[\]{}:]+").match(source.text, start)
    return source.span(start, found.end() if found else min(start + 1, len(source.text)))
