"""What the commands say: results on stdout, everything for people on stderr; colour only on terminals."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from io import TextIOWrapper
from typing import Any

from rich.console import Console
from rich.text import Text

from ..failures import DarnerError
from ..tree import Line
from . import exits

# Texts of others are shown as they are: `:question:` in an error is no emoji.
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
out = Console(highlight=False, emoji=False, soft_wrap=True)


STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")
"""What steers a terminal, or turns the order of a line around: in the texts of models, tools and people it could hide what is asked.
And lone surrogates, for which no encoding has bytes."""


def harmless(text: str) -> str:
    """Return a text with an escape for whatever a terminal would obey, or couldn't show. In JSON it reads back as what it was."""
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
    with suppress(OSError):  # a full disk under somebody's log ends no run
        err.print(harmless(text), markup=False)


def complain(message: str, help_text: str | None = None) -> None:
    """Show an error, and what to do next, on stderr."""
    with suppress(OSError):
        err.print("[bold red]error:[/] ", end="")
        err.print(harmless(message), markup=False)
        if help_text:
            err.print("  [bold]help:[/] ", end="")
            err.print(harmless(help_text), markup=False)


def refuse_no_text() -> None:
    """Have stdout take what its encoding has no bytes for (an emoji in Latin-1) as an escape, as stderr does."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def emit(text: str) -> None:
    """Write a result to stdout, as it is but for what would steer a terminal; `DarnerError` where stdout takes nothing more."""
    try:
        sys.stdout.write(harmless(text if text.endswith("\n") else text + "\n"))
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python writes what is left once more when it ends
        if isinstance(error, BrokenPipeError):  # whoever read it has seen enough
            raise SystemExit(exits.FAILED) from None
        msg = f"stdout can't be written: {error.strerror}"
        raise DarnerError(msg, help="what was done is kept; give the command again, and let it write somewhere else") from error


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
    return Text.assemble((line.branches, "dim"), (harmless(line.name), "bold"), *status, harmless(line.rest))


def emit_json(value: Any) -> None:
    """Write exactly one JSON object to stdout, for any reader: what is no number is null, and what stdout has no bytes for an escape."""
    plain = json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)
    text = harmless(json.dumps(plain, ensure_ascii=False))
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain)
    emit(text)
