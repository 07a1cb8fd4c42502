"""What the compiler found, shown: carets for people on stderr, JSON and annotations for machines on stdout."""

from __future__ import annotations

from enum import StrEnum

from ...compiler.diagnostics import CompileError
from ...compiler.telling.paint import COLOUR, PLAIN, Paint
from ...compiler.telling.render import as_github, as_json, as_text
from . import console


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def show(error: CompileError, form: Format = Format.TEXT) -> None:
    """Write every finding of a compilation."""
    if form is Format.JSON:
        console.emit(as_json(error.diagnostics))
    elif form is Format.GITHUB:
        console.emit(as_github(error.diagnostics))
    else:
        text = as_text(error.diagnostics, error.sources, paint=_paint())
        console.err.file.write(text)
        console.say(summary(error))


def summary(error: CompileError) -> str:
    """Return one line that counts the findings."""
    count = len(error.diagnostics)
    codes = sorted({one.code for one in error.diagnostics})
    return f"{count} {'error' if count == 1 else 'errors'}; `darner explain {codes[0]}` says more"


def _paint() -> Paint:
    return COLOUR if console.err.is_terminal and not console.err.no_color else PLAIN
