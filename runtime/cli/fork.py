"""``darner fork``: a new run from a prefix of another one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from ..failures import Refused
from ..journal import binding
from . import console, exits, running
from .options import PlanOf, PolicyOption
from .pinned import as_it_is_now
from .running import JsonOption, RunArgument, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner fork my-run --at rank                    rank and what depends on it is open; the rest is copied
  darner fork my-run --at improve/3 --run try-2   from round 3 of the loop improve on
  darner fork my-run --at rank --plan new         the spec as it is now; then: darner resume <the new run>
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fork", epilog=EPILOG)(fork)


def fork(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    run: RunArgument,
    at: Annotated[str, typer.Option("--at", metavar="STEP", help="The first thing that is open: STEP, STEP[3], LOOP/2 or LOOP/2/STEP.")],
    new: Annotated[str | None, typer.Option("--run", metavar="ID", help="Name the new run.")] = None,
    plan: Annotated[PlanOf, typer.Option("--plan", help="Bind it to the old run's plan, or compile the spec anew.")] = PlanOf.OLD,
    policy: PolicyOption = None,
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Copy a run's results and answers before a step into a new run; what depends on that step is open there, and writes are new writes."""
    from ..journal.removal import unless_removed  # noqa: PLC0415 - `--help` needs no journal
    from ..perform import forking, world  # noqa: PLC0415 - `--help` needs no runtime

    if policy is not None and plan is not PlanOf.NEW:
        raise Refused("--policy is for --plan new: a fork of the old plan keeps its policy", help="leave it out")
    place = running.here(store, target)
    with unless_removed(place, run):
        old = binding.load(place, run)
    running.make_importable(Path(old.spec).parent)
    given = as_it_is_now(old, policy) if plan is PlanOf.NEW else old
    bound = dataclasses.replace(given, run=binding.check_id(new) if new else world.run_id(old.plan.plan), before=())
    count = forking.fork(place, run, at, bound, world.SystemClock())
    if as_json:
        console.emit_json({"run": bound.run, "forked": run, "at": at, "copied": count})
    else:
        console.emit(bound.run)
        go_on = running.again(place, f"darner resume {bound.run}")
        console.say(f"forked {run} at {at}: {count} results and answers are copied; go on with: {go_on}")
    return exits.DONE
