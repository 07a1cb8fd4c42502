"""``darner cache``: the results that runs share, listed and let go of."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from ..journal import shared_results
from ..journal.shared_results import SharedResult
from . import console, exits, running
from .gc import seconds
from .running import JsonOption, StoreOption, TargetOption

LS_EPILOG = """\b
Examples:
  darner cache ls
  darner cache ls --json | jq '.results[] | .name'
"""
PRUNE_EPILOG = """\b
Examples:
  darner cache prune                              what has expired
  darner cache prune --older-than 7d --of look_up
  darner cache prune --all
"""
OfOption = Annotated[str | None, typer.Option("--of", metavar="NAME", help="Only results of this tool, agent or callable.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The results that runs share (cache: user, cache: shared).", no_args_is_help=True, rich_markup_mode=None)
    group.command("ls", epilog=LS_EPILOG)(ls)
    group.command("prune", epilog=PRUNE_EPILOG)(prune)
    app.add_typer(group, name="cache")


def ls(of: OfOption = None, store: StoreOption = None, target: TargetOption = None, as_json: JsonOption = False) -> int:  # noqa: FBT002 - a flag
    """List shared results: whose they are, how old, which run made them. What they hold is not shown."""
    from ..perform import world  # noqa: PLC0415 - `--help` needs no runtime

    place, now = running.here(store, target), world.SystemClock().now()
    found = [
        (name, told) for name in shared_results.names(place) if (told := shared_results.about(place, name)) and of in {None, told.name}
    ]
    if as_json:
        console.emit_json({"results": [_as_json(name, told, now) for name, told in found]})
        return exits.DONE
    for name, told in sorted(found, key=lambda one: -one[1].made):
        expired = ", expired" if told.is_expired(now) else ""
        console.emit(f"{name}  {told.kind} {told.name}  {_whose(told)}, made {_when(told.made)} by {told.run}{expired}")
    if not found:
        console.say(f"no run of {place.url} shares a result")
    return exits.DONE


def _whose(told: SharedResult) -> str:
    return "everybody's" if told.user is None else f"{told.user}'s"


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def _as_json(name: str, told: SharedResult, now: float) -> dict[str, object]:
    return {"object": name, **told.model_dump(exclude={"format", "digest"}), "expired": told.is_expired(now)}


def prune(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    of: OfOption = None,
    older_than: Annotated[str | None, typer.Option("--older-than", metavar="AGE", help="What was made so long ago, or longer.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every shared result.")] = False,  # noqa: FBT002 - a flag
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - likewise
) -> int:
    """Delete shared results: those that have expired or are damaged, or what the options say. Runs that were served keep theirs."""
    from ..perform import world  # noqa: PLC0415 - `--help` needs no runtime

    place, now = running.here(store, target), world.SystemClock().now()
    made_before = now - seconds(older_than, "--older-than") if older_than else None
    gone = []
    for name in list(shared_results.names(place)):
        told = shared_results.about(place, name)
        if _goes(told, now, made_before, of, everything=everything):
            place.delete(name)
            gone.append(name)
    if as_json:
        console.emit_json({"pruned": gone})
    else:
        console.say(f"{len(gone)} shared results are gone")
    return exits.DONE


def _goes(told: SharedResult | None, now: float, made_before: float | None, of: str | None, *, everything: bool) -> bool:
    if told is None:
        return of is None
    is_old = made_before is not None and told.made <= made_before
    return of in {None, told.name} and (everything or is_old or told.is_expired(now))
