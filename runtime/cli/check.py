"""``darner check``: what is wrong with a spec, all of it, before anything runs."""

from __future__ import annotations

from typing import Annotated

import typer

from ...compiler.diagnostics import CompileError
from . import console, exits
from .findings import Format, show
from .options import NoImportOption, PolicyOption, SetOption, SpecArgument, pairs

EPILOG = """\b
Examples:
  darner check specs/hello
  darner check recommend.yaml --policy platform/policy.yaml --format github
  darner check index.yaml --set feed=products.parquet
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog=EPILOG)(check)


def check(
    spec: SpecArgument,
    sets: SetOption = None,
    policy: PolicyOption = None,
    form: Annotated[Format, typer.Option("--format", help="How findings are written.")] = Format.TEXT,
    no_import: NoImportOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Say everything that is wrong with a spec or a library, with places, before anything runs."""
    from ..project.load import check_spec  # noqa: PLC0415 - `--help` needs no compiler

    try:
        pipeline = check_spec(spec, params=pairs(sets), policy=policy, inspect=not no_import)
    except CompileError as error:
        show(error, form)
        return exits.WRONG
    if form is Format.JSON:
        console.emit("[]")
    what = pipeline.main.spec.name or "the library"
    console.say(f"{what} is fine{' (Python was not looked at)' if no_import else ''}")
    return exits.DONE
