"""The reference pages that are made from code."""

from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from darner.compiler.binding.schema import json_schema
from darner.compiler.codes import CODES
from darner.runtime.cli.application import build
from darner.runtime.evidence import TABLE

from . import tree

FOLDER = tree.ROOT / "docs" / "reference"
WIDTH = "100"


def pages() -> dict[str, str]:
    """Return each page's name and text."""
    return {
        "commands.md": commands(),
        "errors.md": errors(),
        "failures.md": failures(),
        "darner.schema.json": json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n",
    }


def commands() -> str:
    """Return every command's help."""
    app = build()
    parts = ["# Commands\n\nMade from the code by `make docs`.\n"]
    for words in _words(app):
        told = CliRunner().invoke(app, [*words, "--help"], prog_name="darner", env={"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH}).output
        parts.append(f"## darner {' '.join(words)}\n\n```\n{_trimmed(told)}\n```\n")
    return "\n".join(parts)


def _words(app: typer.Typer) -> list[list[str]]:
    """Return how each command is called, those of groups too."""
    alone = [[one.name or ""] for one in app.registered_commands]
    groups = [(group.name, group.typer_instance) for group in app.registered_groups if group.typer_instance is not None]
    return sorted([*alone, *([str(name), one.name or ""] for name, group in groups for one in group.registered_commands)])


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def errors() -> str:
    """Return every error code with its explanation."""
    parts = ["# Errors\n\nMade from the code by `make docs`; `darner explain CODE` prints the same.\n"]
    parts += [
        f"## {code}: {one.title}\n\n{one.explanation.strip()}\n\n```yaml\n{one.example.rstrip()}\n```\n"
        for code, one in sorted(CODES.items())
    ]
    return "\n".join(parts)


def failures() -> str:
    """Return the table of evidence."""
    head = (
        "# What evidence means\n\nMade from the code (`runtime/evidence.py`) by `make docs`.\n\n"
        "The table is read from the top; the first row that any piece of evidence fits decides the class. Texts are no evidence: "
        "not what a process writes, and not a provider's prose. What darner finds out itself (a schema, a budget, a damaged history) "
        "isn't here. [failures.md](../failures.md) tells what is done about each class.\n\n"
        "| seen | class | cause | says who |\n|---|---|---|---|\n"
    )
    return head + "".join(f"| {row.sign} | `{row.kind}` | {row.cause} | {row.source} |\n" for row in TABLE)


def write() -> None:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
