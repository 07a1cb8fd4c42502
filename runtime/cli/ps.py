"""``darner ps``: the runs and jobs of a store."""

from __future__ import annotations

from typing import Any

import typer

from ...compiler.quantities import format_money
from ..failures import StoreError
from ..journal import binding, paths
from ..ports import Store
from . import console, exits, running
from .running import JsonOption, StoreOption, TargetOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ps")(ps)


def ps(store: StoreOption = None, target: TargetOption = None, as_json: JsonOption = False) -> int:  # noqa: FBT002 - a flag
    """List the runs and jobs of a store, newest first."""
    place = running.here(store, target)
    runs = sorted((_run(place, run_id) for run_id in binding.run_ids(place)), key=lambda one: (-(one["started"] or 0), one["run"]))
    jobs = place.folders(paths.JOBS)
    if as_json:
        console.emit_json({"runs": runs, "jobs": jobs})
        return exits.DONE
    for one in runs:
        console.emit(f"{one['run']}  {one['status']}{_more(one)}")
    for name in jobs:
        console.emit(f"{name}  job")
    if not runs and not jobs:
        console.say(f"nothing was run in {place.url} yet")
    return exits.DONE


def _more(one: dict[str, Any]) -> str:
    return f"  {one['error']}" if one["error"] else f"  held by {one['holder']}" if one["holder"] else ""


def _run(store: Store, run_id: str) -> dict[str, Any]:
    from ..journal.log import holder, read_events  # noqa: PLC0415 - `--help` needs no journal
    from ..report import status_of  # noqa: PLC0415 - likewise
    from ..state import fold  # noqa: PLC0415 - likewise

    held = holder(store, run_id)
    try:
        state = fold(read_events(store, run_id))
    except StoreError as error:  # one damaged run must not hide the others
        return {"run": run_id, "status": "damaged", "started": None, "finished": None, "holder": held, "error": error.message, "cost": None}
    return {
        "run": run_id,
        "status": status_of(state, held),
        "started": state.started.at if state.started else None,
        "finished": state.finished.at if state.finished else None,
        "holder": held,
        "error": state.finished.error if state.finished else None,
        "cost": format_money(state.cost),
    }
