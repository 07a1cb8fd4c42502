"""``darner why``: why one row of a job, or one step of a run, is as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from ..journal import binding, paths
from ..ports import Store
from . import console, exits, running
from .running import JsonOption, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner why index_products SKU-1042              one row of a job
  darner why my-run rank                          one step of a run: made, served by a cache, tried again, skipped
  darner why my-run improve/2/review --json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why", epilog=EPILOG)(why)


def why(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or a job's name.")],
    what: Annotated[str, typer.Argument(metavar="STEP|KEY", help="A step of the run, or a row's key as it stands in the source.")],
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Say why a step was made, served or tried again; or where each outcome of a job's row came from."""
    place = running.here(store, target)
    if run not in place.folders(paths.JOBS) and binding.is_bound(place, run):
        return _why_step(place, run, what, as_json=as_json)
    return _why_row(place, run, what, as_json=as_json)


def _why_row(store: Store, job: str, key: str, *, as_json: bool) -> int:
    from ..batch import why as rows  # noqa: PLC0415 - brings pyarrow, which `--help` doesn't need

    found = rows.why(store, job, key)
    if as_json:
        console.emit_json(found.model_dump(mode="json"))
    else:
        console.emit("\n".join(rows.lines(found)))
    return exits.DONE


def _why_step(store: Store, run_id: str, path: str, *, as_json: bool) -> int:
    from .. import why as steps  # noqa: PLC0415 - `--help` needs no report
    from ..journal.removal import unless_removed, whole  # noqa: PLC0415 - `--help` needs no journal
    from ..state import fold_for_views  # noqa: PLC0415 - likewise

    with unless_removed(store, run_id):
        bound, state = binding.load(store, run_id), fold_for_views(whole(store, run_id))
    found = steps.why(run_id, bound.plan, state, path)
    near = {one.call: list(_near(store, bound.user, one)) for one in found.calls[: steps.SHOWN]}
    if as_json:
        told = steps.as_json(found)
        console.emit_json({**told, "calls": [{**one, "near": near.get(one["call"], [])} for one in told["calls"]]})
        return exits.DONE
    for line in steps.lines(found):
        console.emit(line)
    for call, others in near.items():
        for other in others:
            console.emit(f"    {call[:12]}: {other}")
    return exits.DONE


def _near(store: Store, user: str | None, call: object) -> Iterator[str]:
    """Yield how other results of a callee differ from one that was missed."""
    from ..journal import shared_results  # noqa: PLC0415 - only shared results need it

    cached = getattr(call, "cached", None)
    if cached is None or cached["hit"] or cached["scope"] == "run":
        return
    folder = paths.cache_folder(cached["scope"], user if cached["scope"] == "user" else None)
    own = shared_results.about(store, paths.cache_entry(folder, cached["key"]))
    begins = f"{folder}/{cached['key'].partition('-')[0]}-"
    for name in store.names(folder) if own is not None else ():
        other = shared_results.about(store, name) if name.startswith(begins) and shared_results.CLAIM not in name else None
        if own is None or other is None or other.key == own.key or other.reads != own.reads:
            continue
        if other.fingerprint != own.fingerprint:
            yield f"a result of {other.run} for the same input was made by other code, prompt or settings"
        elif other.version != own.version:
            yield f"a result of {other.run} for the same input has version {other.version}, this one {own.version}"
