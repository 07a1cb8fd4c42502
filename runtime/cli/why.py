"""``darner why``: why one row of a job is as it is."""

from __future__ import annotations

from typing import Annotated

import typer

from ...compiler.diagnostics import did_you_mean
from ..failures import Refused
from ..journal import paths
from ..ports import Store
from . import console, exits, running
from .running import JsonOption, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner why index_products SKU-1042
  darner why index_products SKU-1042 --json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why", epilog=EPILOG)(why)


def why(
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job's name, or what --run called it.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="A row's key, as it stands in the source.")],
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Say what is known of one row of a job: its version and state, and where each stage's outcome came from."""
    from ..batch import why as rows  # noqa: PLC0415 - brings pyarrow, which `--help` doesn't need

    place = running.here(store, target)
    _refuse_flow(place, job)
    found = rows.why(place, job, key)
    if as_json:
        console.emit_json(found.model_dump(mode="json"))
    else:
        console.emit("\n".join(rows.lines(found)))
    return exits.DONE


def _refuse_flow(store: Store, job: str) -> None:
    jobs = store.folders(paths.JOBS)
    if job not in jobs and job in store.folders(paths.RUNS):
        msg = f"{job!r} is a flow's run, and a flow has no rows"
        raise Refused(msg, help=did_you_mean(job, jobs) or f"look at it with `darner show {job}`")
