"""``darner gc``: what a store may let go of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import PydanticCustomError

from ...compiler.quantities import parse_duration
from ..failures import Refused
from ..journal import paths
from ..ports import Store
from . import console, exits, running
from .running import JsonOption, StoreOption, TargetOption

if TYPE_CHECKING:
    from ..journal.garbage import OldRun

EPILOG = """\b
Examples:
  darner gc --dry                                 says what would go, and touches nothing
  darner gc --older-than 7d                       runs that ended more than a week ago, whole
  darner gc --json | jq .runs
"""


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
    older_than: Annotated[str | None, typer.Option("--older-than", metavar="AGE", help="Runs that ended so long ago, or longer.")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Say what would go; touch nothing.")] = False,  # noqa: FBT002 - a flag
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Delete old finished runs whole (done, failed or cancelled), expired cache entries, and what dead processes and old jobs left.

    A run goes when its policy's retention is over, or --older-than is; where neither is said, 30 days after its end. One
    that waits, was interrupted or is under way stays, however old it is. The id of a deleted run is never used again.
    """
    from ..perform import world  # noqa: PLC0415 - `--help` needs no runtime

    place, now = running.here(store, target), world.SystemClock().now()
    found = _found(place, now, None if older_than is None else seconds(older_than, "--older-than"))
    if not dry:
        found = _removed(place, found, world.owner(), now)
    if as_json:
        told = {
            "runs": [one.run for one in found.runs],
            "cache": found.results,
            "jobs": found.parts,
            "rest": found.rest,
            "bytes": found.size,
        }
        console.emit_json({"dry": dry, **told})
        return exits.DONE
    for run in found.runs:
        console.emit(f"{run.run}  {run.status}")
    for name in (*found.results, *found.parts, *found.rest):
        console.emit(name)
    verb = "would go" if dry else "are gone"
    counts = f"{len(found.runs)} runs, {len(found.results)} shared results, {len(found.parts)} leftovers of jobs"
    console.say(f"{counts} and {len(found.rest)} of dead processes {verb}: {found.size:,} bytes")
    return exits.DONE


@dataclass(frozen=True)
class Found:
    """What may go, by kind; all but runs by their objects' names, hidden files of a folder by their paths."""

    runs: list[OldRun]
    results: list[str]
    parts: list[str]
    stray: list[str]
    hidden: list[Path]
    sizes: Mapping[str, int]
    """Bytes, by name."""

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(self.sizes.get(name, 0) for name in (*(paths.run(one.run) for one in self.runs), *self.results, *self.parts, *self.rest))

    @property
    def rest(self) -> list[str]:
        """What is neither a run's nor a job's nor the cache's."""
        return [*self.stray, *map(str, self.hidden)]


def _found(place: Store, now: float, older_than: float | None) -> Found:
    from ..batch.driving.sweep import leftovers  # noqa: PLC0415 - brings pyarrow, which `--help` doesn't need
    from ..journal import garbage, rungs  # noqa: PLC0415 - `--help` needs no journal
    from ..journal.local_store import bytes_below  # noqa: PLC0415 - likewise

    runs = list(garbage.old_runs(place, now, older_than))
    results = [*garbage.expired_results(place, now), *garbage.expired_claims(place, now)]
    parts = [name for job in place.folders(paths.JOBS) for name in leftovers(place, job)]
    stray = [*garbage.half_deleted(place), *garbage.stray_hints(place), *garbage.dead_heartbeats(place, now), *rungs.forgotten(place, now)]
    hidden = garbage.half_written(place, now)
    sizes = {name: place.size(name) for name in (*(paths.run(one.run) for one in runs), *results, *parts, *stray)}
    return Found(runs, results, parts, stray, hidden, sizes | {str(path): bytes_below(path) for path in hidden})


def _removed(place: Store, found: Found, owner: str, now: float) -> Found:
    """Delete what was found, and return what is gone: a run may have been taken up again meanwhile."""
    from ..batch.driving.sweep import keep_all_sums  # noqa: PLC0415 - brings pyarrow
    from ..journal import garbage  # noqa: PLC0415 - `--help` needs no journal

    for job in place.folders(paths.JOBS) if found.parts else ():
        keep_all_sums(place, job)
    runs = [one for one in found.runs if garbage.remove(place, one, owner, now)]
    hints = list(garbage.stray_hints(place))
    for name in (*found.results, *found.parts, *found.stray, *hints):
        place.delete(name)
    garbage.remove_half_written(found.hidden)
    return replace(found, runs=runs)
