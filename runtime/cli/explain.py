"""``darner explain``: what a finding's code means."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from ...compiler.diagnostics import did_you_mean
from ..failures import Refused
from . import console, exits

EPILOG = """\b
Examples:
  darner explain E305
  darner explain          lists every code
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", epilog=EPILOG)(explain)


def explain(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="A code such as E305; without it, all are listed.")] = None,
) -> int:
    """Say what a finding's code means, with an example."""
    from ...compiler.codes import CODES  # noqa: PLC0415 - `--help` needs no compiler

    if code is None:
        console.emit("\n".join(f"{name}  {one.title}" for name, one in sorted(CODES.items())))
        return exits.DONE
    known = CODES.get(code.upper())
    if known is None:
        raise Refused(f"there is no code {code}", help=did_you_mean(code.upper(), CODES) or "darner explain lists them")
    wrapped = textwrap.fill(known.explanation, 88)
    example = textwrap.indent(known.example, "    ")
    console.emit(f"{code.upper()}: {known.title}\n\n{wrapped}\n\n{example}")
    return exits.DONE
