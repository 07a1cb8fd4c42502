"""What the compiler has to say: findings with places, codes and help, and the error that carries them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .source import SourceFile, Span

Severity = Literal["error", "warning"]
MAX_SHOWN = 20
ENOUGH = 200
"""Findings of one file after which looking for more helps nobody, and may take long in a file that is no spec at all."""


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """Another place that matters to a finding, with what is to be seen there."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. ``code`` is stable (``E305``) and is what ``darner explain`` takes."""

    code: str
    message: str
    span: Span
    labels: tuple[Label, ...] = ()
    help: str | None = None
    notes: tuple[str, ...] = ()
    severity: Severity = "error"


@dataclass
class Findings:
    """Collects findings during one compilation; every check writes here and goes on."""

    found: list[Diagnostic] = field(default_factory=list)

    def error(  # noqa: PLR0913 - what a finding has; all but the first three are named by the caller
        self,
        code: str,
        message: str,
        span: Span,
        *,
        labels: Sequence[Label] = (),
        help: str | None = None,  # noqa: A002 - the word that every compiler uses for it
        notes: Sequence[str] = (),
    ) -> None:
        """Add one error at ``span``."""
        self.found.append(Diagnostic(code, message, span, tuple(labels), help, tuple(notes)))

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(one.severity == "error" for one in self.found)

    def ordered(self) -> tuple[Diagnostic, ...]:
        """Return the findings sorted by place, without repeats, without warnings once there are errors."""
        kept = [one for one in self.found if one.severity == "error"] or self.found
        unique = dict.fromkeys(kept)
        return tuple(sorted(unique, key=lambda one: (one.span, one.code, one.message)))

    def raise_if_any(self) -> None:
        """Raise `CompileError` with all that was found so far, if there are errors."""
        if self.has_errors:
            raise CompileError(self.ordered())


class CompileError(Exception):
    """The spec is wrong; ``diagnostics`` holds every finding, sorted by place, ``sources`` the files that they point into."""

    def __init__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile] | None = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self.sources = dict(sources or {})
        super().__init__("; ".join(f"{one.span}: {one.code}: {one.message}" for one in self.diagnostics[:MAX_SHOWN]))


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return a help line that names the known words closest to ``word``, or None."""
    close = difflib.get_close_matches(word, sorted(set(known)), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(name) for name in close)}?" if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a help line that names the closest known words, or all of them when they are few; else None."""
    names = sorted(set(known))
    if 0 < len(names) <= 12:  # noqa: PLR2004 - as many names as fit on a line
        return closest(word, names) or f"known here: {', '.join(names)}"
    return closest(word, names)
