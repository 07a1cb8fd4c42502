"""What the commands say: results on stdout, everything for people on stderr; colour only on terminals."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from rich.console import Console
from rich.text import Text

from ..tree import Line

# Texts of others are shown as they are: `:question:` in an error is no emoji.
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
out = Console(highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def results_only() -> Iterator[None]:
    """Keep stdout for results: what a user's code prints meanwhile, and what its programs print, goes to stderr."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # there is none: nothing to keep
        with redirect_stdout(sys.stderr):
            yield
        return
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def say(text: str) -> None:
    """Show people a line on stderr."""
    err.print(text, markup=False)


def complain(message: str, help_text: str | None = None) -> None:
    """Show an error, and what to do next, on stderr."""
    err.print("[bold red]error:[/] ", end="")
    err.print(message, markup=False)
    if help_text:
        err.print("  [bold]help:[/] ", end="")
        err.print(help_text, markup=False)


def emit(text: str) -> None:
    """Write a result to stdout, as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


COLOURS = {
    "done": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "running": "cyan",
    "waiting": "yellow",
    "interrupted": "yellow",
    "uncertain": "bold red",
    "begun": "cyan",
    "damaged": "bold red",
    "skipped": "dim",
    "open": "dim",
}
"""How a status looks on a terminal."""


def draw(lines: Iterable[Line]) -> None:
    """Write lines of a tree to stdout, with colours where it is a terminal."""
    for line in lines:
        if out.is_terminal:
            out.print(coloured(line))
        else:
            emit(str(line))


def coloured(line: Line) -> Text:
    """Return a line as a terminal shows it."""
    status = [("  ", ""), (line.status, COLOURS.get(line.status, ""))] if line.status else []
    return Text.assemble((line.branches, "dim"), (line.name, "bold"), *status, line.rest)


def emit_json(value: Any) -> None:
    """Write exactly one JSON object to stdout."""
    emit(json.dumps(value, ensure_ascii=False, default=str))
