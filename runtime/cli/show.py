"""``darner show``: a run as a tree of steps and calls, or a job's table."""

from __future__ import annotations

import typer

from ..journal import binding, paths
from ..ports import Store
from . import console, exits, running
from .running import JsonOption, RunArgument, StoreOption, TargetOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)


def show(run: RunArgument, store: StoreOption = None, target: TargetOption = None, as_json: JsonOption = False) -> int:  # noqa: FBT002 - a flag
    """Show a run's steps and calls with attempts, cost and failures; or a job's last table."""
    place = running.here(store, target)
    if not binding.is_bound(place, run) and run in place.folders(paths.JOBS):
        return _show_job(place, run, as_json=as_json)
    return _show_flow(place, run, as_json=as_json)


def _show_flow(store: Store, run_id: str, *, as_json: bool) -> int:
    from ..journal.log import holder, read_events  # noqa: PLC0415 - `--help` needs no journal
    from ..report import as_json as in_json  # noqa: PLC0415 - likewise
    from ..report import lines, report  # noqa: PLC0415 - likewise
    from ..state import fold  # noqa: PLC0415 - likewise

    bound = binding.load(store, run_id)
    state = fold(read_events(store, run_id))
    told = report(run_id, (bound.plan, bound.lock), state, holder=holder(store, run_id), outputs=running.outputs_of(store, run_id, state))
    if as_json:
        console.emit_json(in_json(told))
    else:
        console.emit("\n".join(lines(told)))
    return exits.DONE


def _show_job(store: Store, name: str, *, as_json: bool) -> int:
    from ..batch.driver import job_report  # noqa: PLC0415 - only jobs need it

    told = job_report(store, name)
    if as_json:
        console.emit_json(told.as_json())
    else:
        console.emit("\n".join([f"{told.run}  {told.status}", *told.lines()]))
    return exits.DONE
