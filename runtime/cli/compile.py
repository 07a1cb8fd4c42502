"""``darner compile``: a spec's plan, written beside it and compared with the one that is there."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated

import typer

from ...compiler.plan import Compiled, Lock
from ..failures import Refused
from . import console, exits
from .options import NoImportOption, PolicyOption, SetOption, SpecArgument, pairs

EPILOG = """\b
Examples:
  darner compile specs/hello                      writes hello.plan.yaml and hello.lock.json beside the spec
  darner compile recommend.yaml -o build/         writes both into build/
  darner compile recommend.yaml -o -              prints the plan
  darner compile recommend.yaml --check-golden    compares, writes nothing: for CI
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compile", epilog=EPILOG)(compile_)


def compile_(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    spec: SpecArgument,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Where the plan goes: a file, a folder, or - for stdout.")
    ] = None,
    sets: SetOption = None,
    policy: PolicyOption = None,
    no_import: NoImportOption = False,  # noqa: FBT002 - a flag
    full: Annotated[bool, typer.Option("--full", help="Write defaults too.")] = False,  # noqa: FBT002 - likewise
    check_golden: Annotated[bool, typer.Option("--check-golden", help="Compare with the plan that is there; write nothing.")] = False,  # noqa: FBT002 - likewise
) -> int:
    """Write a spec's plan (NAME.plan.yaml: what it means) and lock (NAME.lock.json: fingerprints and places)."""
    from ...compiler.lowering.lower import to_text  # noqa: PLC0415 - `--help` needs no compiler
    from ..project.load import compile_spec, find_spec  # noqa: PLC0415 - likewise

    compiled = compile_spec(spec, params=pairs(sets), policy=policy, inspect=not no_import)
    text = to_text(compiled.plan, full=full)
    if output == "-" and not check_golden:
        console.emit(text)
        return exits.DONE
    place = _place(output, find_spec(spec).parent, compiled)
    if check_golden:
        return _compare(place, text)
    _write(place, text)
    _write(_lock_place(place), lock_text(compiled.lock))
    console.say(f"wrote {place} and {_lock_place(place).name}")
    return exits.DONE


def lock_text(lock: Lock) -> str:
    """Return a lock as canonical JSON."""
    return json.dumps(lock.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _place(output: str | None, folder: Path, compiled: Compiled) -> Path:
    name = f"{compiled.plan.plan}.plan.yaml"
    if output is None or output == "-":
        return folder / name
    return Path(output) / name if output.endswith("/") or Path(output).is_dir() else Path(output)


def _lock_place(plan: Path) -> Path:
    return plan.with_name(f"{plan.name.removesuffix('.yaml').removesuffix('.plan')}.lock.json")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} can't be written: {error.strerror}", help="give another place with -o") from error


def _compare(place: Path, text: str) -> int:
    try:
        before = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{place} can't be read: {error}", help="write it first: run the same command without --check-golden") from error
    if before == text:
        console.say(f"{place} is up to date")
        return exits.DONE
    lines = difflib.unified_diff(before.splitlines(keepends=True), text.splitlines(keepends=True), str(place), "what the spec means now")
    console.emit("".join(lines))
    console.complain(f"{place} is not what the spec means now", "look at the difference, then compile again without --check-golden")
    return exits.WRONG
