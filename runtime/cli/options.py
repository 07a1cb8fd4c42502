"""Options that several commands have in common, and how their texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..failures import Refused

SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec's file, or a folder that holds one.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="PARAM=VALUE", help="Give a parameter its value.")]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Lay a policy over the spec's own (or set DARNER_POLICY).")
]
NoImportOption = Annotated[bool, typer.Option("--no-import", help="Don't import the spec's Python; what needs it is not checked.")]


class PlanOf(StrEnum):
    """Which plan a run is bound to: the one it began with, or its spec as it is now."""

    OLD = "old"
    NEW = "new"


def pairs(texts: Sequence[str] | None, option: str = "--set") -> dict[str, str]:
    """Return ``NAME=VALUE`` texts as a mapping; `Refused` for one without ``=``, or a name given twice."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refused(f"{option} {text} has no value", help=f"write {option} NAME=VALUE")
        if name in found:
            raise Refused(f"{option} gives {name} twice", help="give it once")
        found[name] = value
    return found
