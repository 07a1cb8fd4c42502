"""``darner resume``: a run gone on with where it stopped; what was paid for is served."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ..journal import binding
from ..journal.binding import Binding
from ..ports import Store
from . import console, exits, running
from .running import JsonOption, RunArgument, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner resume hello-20260102-k3m9x2p7q4ab
  darner resume my-run --redo reserve             does one step once more, whatever is recorded of it
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resume", epilog=EPILOG)(resume)


def resume(
    run: RunArgument,
    redo: Annotated[list[str] | None, typer.Option("--redo", metavar="STEP", help="Do a step once more, and what depends on it.")] = None,
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Go on with a run that was killed, stopped, or failed."""
    return go_on(running.here(store, target), run, as_json=as_json, redo=tuple(redo or ()))


def go_on(store: Store, run_id: str, *, as_json: bool, redo: tuple[str, ...] = ()) -> int:
    """Go on with a run that is bound; return the exit code."""
    bound = binding.load(store, run_id)
    running.make_importable(Path(bound.spec).parent)
    return carry_on(store, bound, as_json=as_json, redo=redo)


def carry_on(store: Store, bound: Binding, *, as_json: bool, redo: tuple[str, ...] = ()) -> int:
    """Run what is bound, from wherever it is, and tell how it ended."""
    from ..perform.flow import Surroundings, run_flow  # noqa: PLC0415 - `--help` needs no runtime
    from ..perform.secrets import EnvironmentSecrets  # noqa: PLC0415 - likewise

    console.say(f"run {bound.run} in {store.url}")
    try:
        with running.models_placed(bound.plan, bound.models, Path(bound.base or ".")) as models:
            asker = None if as_json else terminal(store, bound.run)
            with console.results_only():
                state = run_flow(store, bound, Surroundings(EnvironmentSecrets(), models, asker=asker, take_over=take_over), redo=redo)
    except KeyboardInterrupt:
        return running.tell_stopped(bound.run, as_json=as_json)
    return running.tell_end(store, bound, state, as_json=as_json)


def check_ready(bound: Binding) -> int:
    """Refuse what can't be run; start nothing."""
    from .. import graph  # noqa: PLC0415 - `--help` needs no runtime
    from ..perform.flow import Surroundings, make_agents  # noqa: PLC0415 - likewise
    from ..perform.secrets import EnvironmentSecrets  # noqa: PLC0415 - likewise
    from ..perform.steps import refuse_unready  # noqa: PLC0415 - likewise

    graph.refuse_unsupported(bound.plan, bound.lock)
    with running.models_placed(bound.plan, bound.models, Path(bound.base or ".")) as models:
        agents = make_agents(bound, Surroundings(EnvironmentSecrets(), models))
        with closing(agents.tools):
            refuse_unready(bound.plan, agents)
    return exits.DONE
