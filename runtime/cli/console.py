"""What the commands say: results on stdout, everything for people on stderr; colour only on terminals."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True)


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


def emit_json(value: Any) -> None:
    """Write exactly one JSON object to stdout."""
    emit(json.dumps(value, ensure_ascii=False, default=str))
