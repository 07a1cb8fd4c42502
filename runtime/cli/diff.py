"""``darner diff``: what changed between two specs or plans, what it costs, and what becomes of runs under way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...compiler.plan import Compiled, Lock
from ..failures import DarnerError, Refused
from ..inflight import InFlight
from ..journal.binding import Binding
from ..ports import Store
from . import console, exits, running
from .options import SetOption, pairs
from .running import JsonOption, StoreOption, TargetOption

if TYPE_CHECKING:
    from ..perform.rehearsal import Rehearsed

EPILOG = """\b
Examples:
  darner diff main/recommend.yaml recommend.yaml
  darner diff recommend.plan.yaml recommend.yaml      the plan that was compiled last, and the spec as it is now
  darner diff old.yaml new.yaml --runs                and what becomes of each run of it that is under way
"""
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A spec, a folder that holds one, or a plan (NAME.plan.yaml).")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", epilog=EPILOG)(diff)


def diff(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    old: FileArgument,
    new: FileArgument,
    runs: Annotated[bool, typer.Option("--runs", help="Say what becomes of each run under way in the store.")] = False,  # noqa: FBT002 - a flag
    sets: SetOption = None,
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Say what changed between two specs or plans, what has to be done again for it, and what becomes of runs under way."""
    from ...compiler.diff import changes, consequences  # noqa: PLC0415 - `--help` needs no compiler

    before, after = _compiled(old, pairs(sets)), _compiled(new, pairs(sets))
    found = changes((before.plan, before.lock), (after.plan, after.lock))
    meant = consequences(before.plan, after.plan, found)
    flying = list(in_flight(running.here(store, target), after)) if runs else None
    if as_json:
        from dataclasses import asdict  # noqa: PLC0415 - only here

        told = {"changes": [asdict(one) for one in found], "consequences": [asdict(one) for one in meant]}
        console.emit_json(told if flying is None else {**told, "runs": [asdict(one) for one in flying]})
        return exits.DONE
    for change in found:
        console.emit("\n    ".join([f"{change.where}  {change.what}", *change.details]))
    for one in meant:
        console.emit(f"=> {one.where}: {one.text}")
    for run in flying or ():
        console.emit(str(run))
    if not found:
        console.say("nothing has changed")
    return exits.DONE


def _compiled(path: Path, given: dict[str, str]) -> Compiled:
    from ...compiler.lowering.plantext import from_text  # noqa: PLC0415 - `--help` needs no compiler
    from ..project.load import compile_spec  # noqa: PLC0415 - likewise

    if not path.name.endswith(".plan.yaml"):
        return compile_spec(path, params=given)
    try:
        lock = path.with_name(f"{path.name.removesuffix('.plan.yaml')}.lock.json")
        kept = Lock.model_validate_json(lock.read_bytes()) if lock.exists() else Lock()
        return Compiled(plan=from_text(path.read_text(encoding="utf-8"), str(path)), lock=kept)
    except (OSError, ValueError) as error:
        raise Refused(f"{path} can't be read: {error}", help="give a spec, or a plan that `darner compile` wrote") from error


def in_flight(store: Store, after: Compiled) -> Iterator[InFlight]:
    """Yield what becomes of each run of a plan's name that is not over, if it were taken up with today's Python."""
    from ..perform.rehearsal import rehearse  # noqa: PLC0415 - only `--runs` needs it

    found = dict(_under_way(store, after.plan.plan))
    flying = {run_id: (bound, status) for run_id, (bound, status) in found.items() if bound is not None}
    for folder in {Path(bound.spec).parent for bound, _ in flying.values()}:
        running.make_importable(folder)
    runs = [bound for bound, _ in flying.values()]
    instead = _renewed(store, [one for one in runs if one.plan != after.plan or dict(one.prompts) != dict(after.prompts)], after)
    for (bound, status), seen in zip(flying.values(), rehearse(store, runs), strict=True):
        told = _judged(bound, status, seen, pinned=bound.run in instead)
        yield dataclasses.replace(told, renewed=_judged(bound, status, instead[bound.run], pinned=False)) if told.pinned else told
    for run_id, (known, error) in found.items():
        if known is None:
            yield InFlight(run_id, "damaged", "fails", 0, (), (), pinned=False, error=error)


def _judged(bound: Binding, status: str, seen: Rehearsed, *, pinned: bool) -> InFlight:
    from ..inflight import judged  # noqa: PLC0415 - only `--runs` needs it

    return judged(bound.run, status, unasked=seen.unasked, writes=seen.writes, asks_again=seen.asks_again, pinned=pinned, fails=seen.fails)


def _renewed(store: Store, runs: Iterable[Binding], after: Compiled) -> dict[str, Rehearsed]:
    """Return what becomes of each run that is given the new plan."""
    from ..journal import binding  # noqa: PLC0415 - only `--runs` needs it
    from ..perform.rehearsal import Rehearsed, rehearse  # noqa: PLC0415 - likewise
    from .pinned import rebound  # noqa: PLC0415 - likewise

    found: dict[str, Rehearsed] = {}
    given: list[Binding] = []
    for bound in runs:
        try:
            given.append(binding.renewed(bound, rebound(bound, after)))
        except DarnerError as error:  # its inputs, or its parameters, don't fit
            found[bound.run] = Rehearsed(fails=error.message)
    return found | {one.run: seen for one, seen in zip(given, rehearse(store, given), strict=True)}


def _under_way(store: Store, plan: str) -> Iterator[tuple[str, tuple[Binding | None, str]]]:
    """Yield the runs of a plan that are not over, with their status; damaged ones without their binding, with the error."""
    from ..journal import binding  # noqa: PLC0415 - only `--runs` needs it
    from ..journal.log import holder, read_events  # noqa: PLC0415 - likewise
    from ..report import status_of  # noqa: PLC0415 - likewise
    from ..state import fold  # noqa: PLC0415 - likewise

    for run_id in binding.run_ids(store):
        try:
            bound = binding.load(store, run_id)
            status = status_of(fold(read_events(store, run_id)), holder(store, run_id))
        except DarnerError as error:  # one damaged run must not hide the others
            yield run_id, (None, error.message)
            continue
        if bound.plan.plan == plan and status not in {"done", "cancelled"}:
            yield run_id, (bound, status)
