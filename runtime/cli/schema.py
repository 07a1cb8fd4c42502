"""``darner schema``: the language as JSON Schema, for editors."""

from __future__ import annotations

import json

import typer

from . import console, exits

EPILOG = """\b
Example:
  darner schema > darner.schema.json

\b
and as the first line of a spec:

\b
  # yaml-language-server: $schema=./darner.schema.json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema", epilog=EPILOG)(schema)


def schema() -> int:
    """Print the JSON Schema of the language, which editors use to complete and check."""
    from ...compiler.binding.schema import json_schema  # noqa: PLC0415 - `--help` needs no compiler

    console.emit(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return exits.DONE
