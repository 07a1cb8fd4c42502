"""``darner show``: a run as a tree of steps and calls, or a job's table."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from ...compiler.diagnostics import did_you_mean
from ..failures import Refused
from ..journal import binding, paths
from ..journal.binding import Binding
from ..ports import Store
from ..state import RunState, fold_for_views
from . import console, exits, running
from .running import JsonOption, RunArgument, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner show my-run
  darner show my-run --failures                   every failed attempt, with its place in the spec, and what failures cost
  darner show my-job --dead                       the dead rows of a job, and why they are; --json for scripts
  darner show my-job --dead --offset 50           the next fifty of them
  darner show my-run --drift                      what is on record and would not be made so today
  darner show my-run --json | jq .status
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show", epilog=EPILOG)(show)


def show(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    run: RunArgument,
    failures: Annotated[bool, typer.Option("--failures", help="Show what failed, attempt by attempt, and what that cost.")] = False,  # noqa: FBT002 - a flag
    drift: Annotated[bool, typer.Option("--drift", help="Show results that would not be asked for, or made so, today.")] = False,  # noqa: FBT002 - likewise
    dead: Annotated[bool, typer.Option("--dead", help="Show the dead rows of a job: key, stage, class, reason.")] = False,  # noqa: FBT002 - likewise
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show so many dead rows.")] = 50,
    offset: Annotated[int, typer.Option("--offset", metavar="N", min=0, help="Pass over so many dead rows.")] = 0,
    whole: Annotated[bool, typer.Option("--all", help="Fold no long map and no long loop.")] = False,  # noqa: FBT002 - likewise
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - likewise
) -> int:
    """Show a run's steps and calls with attempts, cost and failures; or a job's last table."""
    place = running.here(store, target)
    if not binding.is_bound(place, run) and run in place.folders(paths.JOBS):
        if drift:
            raise Refused(f"{run} is a job: its stages drift", help=f"see `darner why {run} KEY`")
        if dead:
            return _show_dead(place, run, limit, offset, as_json=as_json)
        return _show_job(place, run, as_json=as_json, failures=failures)
    if dead and binding.is_bound(place, run):
        raise Refused(f"{run} is no job: only rows are dead letters", help=f"see `darner show {run} --failures`")
    if dead:
        raise Refused(f"there is no job {run!r} in {place.url}", help=did_you_mean(run, place.folders(paths.JOBS)) or binding.ELSEWHERE)
    if drift:
        return _show_drift(place, run, as_json=as_json)
    return _show_flow(place, run, as_json=as_json, failures=failures, whole=whole)


def _show_flow(store: Store, run_id: str, *, as_json: bool, failures: bool, whole: bool) -> int:
    from .. import failed, tree  # noqa: PLC0415 - `--help` needs no report
    from ..journal.log import holder  # noqa: PLC0415 - `--help` needs no journal
    from ..private import hide, personal_names  # noqa: PLC0415 - likewise
    from ..report import as_json as in_json  # noqa: PLC0415 - likewise
    from ..report import report  # noqa: PLC0415 - likewise

    bound, state = _read(store, run_id)
    personal = personal_names(bound.lock)
    outputs = hide(running.outputs_of(store, run_id, state), personal)
    told = report(run_id, (bound.plan, bound.lock), state, holder=holder(store, run_id), outputs=outputs)
    if as_json:
        found = in_json(told)
        waiting = [{**one, "shown": hide(one["shown"], personal)} for one in found["waiting"]]
        cost = failed.as_json(state.attempts.by_class(), state.attempts.attempts if failures else None)
        console.emit_json({**found, "waiting": waiting, "failures": cost})
    elif failures:
        console.draw(failed.lines(told, state.attempts.attempts or (), state.attempts.by_class()))
    else:
        console.draw(tree.lines(told, whole=whole))
    return exits.DONE


def _read(store: Store, run_id: str) -> tuple[Binding, RunState]:
    from ..journal.removal import unless_removed, whole  # noqa: PLC0415 - `--help` needs no journal

    with unless_removed(store, run_id):
        return binding.load(store, run_id), fold_for_views(whole(store, run_id))


def _show_drift(store: Store, run_id: str, *, as_json: bool) -> int:
    from .. import drift  # noqa: PLC0415 - only `--drift` needs it
    from .pinned import code_now  # noqa: PLC0415 - likewise

    bound, state = _read(store, run_id)
    names = {ref for call in state.calls.values() if (ref := drift.code_of(bound.plan, call)) is not None}
    found = list(drift.drift(bound.plan, state, code_now(bound, names)))
    if as_json:
        console.emit_json({"run": run_id, "drift": [drift.as_json(one) for one in found]})
        return exits.DONE
    for one in found:
        console.emit(f"{one.step}  {one.what} {one.name}  {one.reason} ({one.call})")
    if not found:
        console.say(f"nothing of {run_id} has drifted")
    return exits.DONE


def _show_job(store: Store, name: str, *, as_json: bool, failures: bool) -> int:
    from ..batch.claims import holder  # noqa: PLC0415 - only jobs need it
    from ..batch.driver import job_report  # noqa: PLC0415 - likewise

    held = holder(store, name)
    try:
        report = job_report(store, name)
    except Refused:
        if held is None:
            raise
        told, lines, status = {"run": name, "outputs": None, "cost": None}, [], "running"  # it is being planned for the first time
    else:
        told, status = report.as_json(), "running" if held else report.status
        lines = list(report.failure_lines()) if failures else report.lines(partial(running.again, store))
    if as_json:
        console.emit_json({**told, "status": status, "holder": held})
    else:
        console.emit("\n".join([f"{name}  {status}{f'  held by {held}' if held else ''}", *lines]))
    return exits.DONE


def _show_dead(store: Store, name: str, limit: int, offset: int, *, as_json: bool) -> int:
    from ..batch.dead_rows import dead_rows  # noqa: PLC0415 - only jobs need it

    found = list(dead_rows(store, name))
    shown = found[offset : offset + limit]
    if as_json:
        told = [{"class" if key == "failure" else key: value for key, value in one.model_dump(mode="json").items()} for one in shown]
        console.emit_json({"run": name, "dead": told, "total": len(found), "offset": offset, "limit": limit})
        return exits.DONE
    for one in shown:
        console.emit(str(one))
    rest = len(found) - offset - len(shown)
    console.say(f"{len(found):,} dead rows{f', {rest:,} more with --offset {offset + limit}' if rest > 0 else ''}")
    if found:
        console.say(f"try them again with: {running.again(store, f'darner retry {name} --dead')}")
    return exits.DONE
