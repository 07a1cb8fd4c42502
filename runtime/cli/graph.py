"""``darner graph``: a spec as a drawing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from . import console, exits
from .options import NoImportOption, PolicyOption, SpecArgument

EPILOG = """\b
Examples:
  darner graph specs/hello
  darner graph recommend.yaml --format dot | dot -Tsvg > recommend.svg
"""


class Language(StrEnum):
    """What a drawing is written in."""

    MERMAID = "mermaid"
    DOT = "dot"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("graph", epilog=EPILOG)(graph)


def graph(
    spec: SpecArgument,
    form: Annotated[Language, typer.Option("--format", help="What the drawing is written in.")] = Language.MERMAID,
    policy: PolicyOption = None,
    no_import: NoImportOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Draw a spec's steps or stages, and what they call."""
    from ...compiler.lowering.draw import draw_dot, draw_mermaid  # noqa: PLC0415 - `--help` needs no compiler
    from ..project.load import compile_spec  # noqa: PLC0415 - likewise

    plan = compile_spec(spec, policy=policy, inspect=not no_import).plan
    console.emit(draw_dot(plan) if form is Language.DOT else draw_mermaid(plan))
    return exits.DONE
