"""``darner gc``: what a store may let go of."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic_core import PydanticCustomError

from ...compiler.quantities import parse_duration
from ..failures import Refused
from ..journal import paths
from . import console, exits, running
from .running import JsonOption, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner gc --dry                                 says what would go, and touches nothing
  darner gc --older-than 7d                       runs that ended more than a week ago, whole
"""
OLD = "30d"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gc", epilog=EPILOG)(gc)


def seconds(text: str, option: str) -> float:
    """Return a duration that was given as text; `Refused` where it is none."""
    try:
        return parse_duration(text)
    except PydanticCustomError as error:
        raise Refused(f"{option} {text}: {error.message()}", help=f"write {option} 30d") from error


def gc(
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="Runs that ended so long ago, or longer.")] = OLD,
    dry: Annotated[bool, typer.Option("--dry", help="Say what would go; touch nothing.")] = False,  # noqa: FBT002 - a flag
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Delete old finished runs whole (done, failed or cancelled), expired cache entries, and what old generations of jobs left.

    A run that waits, was interrupted or is under way stays, however old it is. The id of a deleted run is never used again.
    """
    from ..batch.driving.sweep import leftovers  # noqa: PLC0415 - brings pyarrow, which `--help` doesn't need
    from ..journal import garbage  # noqa: PLC0415 - `--help` needs no journal
    from ..perform import world  # noqa: PLC0415 - likewise

    place, now = running.here(store, target), world.SystemClock().now()
    runs = list(garbage.old_runs(place, now - seconds(older_than, "--older-than")))
    results = [*garbage.expired_results(place, now), *garbage.expired_claims(place, now)]
    parts = [name for job in place.folders(paths.JOBS) for name in leftovers(place, job)]
    if not dry:
        for run in runs:
            garbage.remove(place, run.run, world.owner())
        for name in (*results, *parts):
            place.delete(name)
    if as_json:
        console.emit_json({"dry": dry, "runs": [one.run for one in runs], "cache": results, "jobs": parts})
        return exits.DONE
    for run in runs:
        console.emit(f"{run.run}  {run.status}")
    verb = "would go" if dry else "are gone"
    console.say(f"{len(runs)} runs, {len(results)} shared results and {len(parts)} leftovers of jobs {verb}")
    return exits.DONE
