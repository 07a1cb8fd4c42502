"""``darner resume``: a run gone on with where it stopped; what was paid for is served."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..failures import Busy, Refused
from ..journal import binding
from ..journal.binding import Binding
from ..ports import Store
from . import console, exits, running
from .options import PlanOf, PolicyOption
from .running import JsonOption, SingleWriterOption, StoreOption, TakeOverOption, TargetOption

PATIENCE = 10
"""Seconds for which an answer waits for the process that has its run to take it."""

EPILOG = """\b
Examples:
  darner resume hello-20260102-k3m9x2p7q4ab
  darner resume my-run --redo reserve             does one step once more, whatever is recorded of it
  darner resume my-run --plan new                 with its spec as it is now; what is done stays done
  darner resume my-run --take-over                takes it from a machine that can't be reached; in a bucket only
  darner resume --due                             wakes every run that waits and has an answer, or whose time has come
"""


@dataclass(frozen=True)
class Manner:
    """How a run is gone on with: what a person said of it, one field an option."""

    as_json: bool
    redo: tuple[str, ...] = ()
    take_over: bool = False
    strict: bool = False
    watch: bool = False
    woken: bool = False


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resume", epilog=EPILOG)(resume)


def resume(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run's id.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Go on with every run that waits and has something to do: for cron.")] = False,  # noqa: FBT002 - a flag
    redo: Annotated[list[str] | None, typer.Option("--redo", metavar="STEP", help="Do a step once more, and what depends on it.")] = None,
    plan: Annotated[PlanOf, typer.Option("--plan", help="Keep the run's plan, or give it its spec as it is now.")] = PlanOf.OLD,
    policy: PolicyOption = None,
    take_over: TakeOverOption = False,  # noqa: FBT002 - a flag
    strict: Annotated[bool, typer.Option("--strict", help="Refuse where code no longer asks for calls that are on record.")] = False,  # noqa: FBT002 - a flag
    store: StoreOption = None,
    target: TargetOption = None,
    single_writer: SingleWriterOption = False,  # noqa: FBT002 - a flag
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
    woken: Annotated[bool, typer.Option("--woken", hidden=True)] = False,  # noqa: FBT002 - how --due says that nobody asked
) -> int:
    """Go on with a run that was killed, stopped, or failed, or that waits; or with all that are due."""
    if (run is None) == (not due):
        raise Refused("resume takes a run, or --due", help="darner resume RUN, or darner resume --due")
    if policy is not None and plan is not PlanOf.NEW:
        raise Refused("--policy is for --plan new: a run keeps the policy that it was started under", help="leave it out")
    place = running.here(store, target, single_writer=single_writer, run=run)
    if run is None:
        _refuse_for_all(plan=plan is PlanOf.NEW, redo=bool(redo), strict=strict, take_over=take_over)
        from .waking import wake  # noqa: PLC0415 - only --due needs it

        return wake(place, target, single_writer=single_writer, as_json=as_json)
    manner = Manner(as_json, tuple(redo or ()), take_over=take_over, strict=strict, woken=woken)
    return _go_on_renewed(place, run, policy, manner) if plan is PlanOf.NEW else go_on_as_bound(place, run, manner)


def _refuse_for_all(**given: bool) -> None:
    """Refuse with --due what concerns one run."""
    for name, is_given in given.items():
        if is_given:
            raise Refused(f"--{name.replace('_', '-')} is for one run, and --due for all that are due", help="name the run")


def _go_on_renewed(store: Store, run_id: str, policy: Path | None, manner: Manner) -> int:
    """Go on with a run by its spec as it is now; return the exit code."""
    from .pinned import renewed  # noqa: PLC0415 - `--help` needs no compiler

    bound = binding.load(store, run_id)
    running.make_importable(Path(bound.spec).parent)
    return carry_on(store, renewed(bound, policy), manner)


def go_on_as_bound(store: Store, run_id: str, manner: Manner) -> int:
    """Go on with a run, and say so where its spec says something else by now; return the exit code."""
    bound = _importable(store, run_id)
    _tell_edited(bound)
    return carry_on(store, bound, manner)


def _importable(store: Store, run_id: str) -> Binding:
    """Return what a run is bound to, its Python found from now on."""
    bound = _bound(store, run_id)
    running.make_importable(Path(bound.spec).parent)
    return bound


def _tell_edited(bound: Binding) -> None:
    from .pinned import tell_edited  # noqa: PLC0415 - `--help` needs no compiler

    tell_edited(bound)


def _bound(store: Store, run_id: str) -> Binding:
    from ..journal.removal import unless_removed  # noqa: PLC0415 - `--help` needs no journal

    with unless_removed(store, run_id):
        return binding.load(store, run_id)


def go_on_when_free(store: Store, run_id: str, question: str, *, as_json: bool) -> int:
    """Go on with a run after a question was answered; where a process has it, that one does, as soon as it has seen the answer."""
    from ..journal.log import read_events  # noqa: PLC0415 - `--help` needs no journal
    from ..state import fold  # noqa: PLC0415 - likewise

    _tell_edited(_importable(store, run_id))
    for _ in range(PATIENCE):
        try:
            return carry_on(store, _importable(store, run_id), Manner(as_json))
        except Busy:
            if all(one.question != question for one in fold(read_events(store, run_id)).waits.open):
                break
            time.sleep(1.0)
    if as_json:
        console.emit_json({"run": run_id, "status": "running", "outputs": None, "cost": None})
    console.say(f"another process has {run_id}, and goes on with it")
    return exits.DONE


def carry_on(store: Store, bound: Binding, manner: Manner) -> int:
    """Run what is bound, from wherever it is, and tell how it ended."""
    from ..perform.flow import Surroundings, run_flow  # noqa: PLC0415 - `--help` needs no runtime
    from ..perform.secrets import EnvironmentSecrets  # noqa: PLC0415 - likewise
    from .asking import terminal  # noqa: PLC0415 - likewise
    from .pinned import code_now  # noqa: PLC0415 - likewise
    from .watching import drawing  # noqa: PLC0415 - likewise

    def begun() -> None:
        console.say(f"run {bound.run} in {store.url}")

    try:
        with running.models_placed(bound.plan, bound.models, Path(bound.base or ".")) as models:
            # What is drawn and what is typed would stand on the same lines: a run that is watched is parked when it asks.
            asker = None if manner.as_json or manner.watch else terminal(store, bound.run)
            with drawing(bound, wanted=manner.watch) as drawn, console.results_only():
                around = Surroundings(
                    EnvironmentSecrets(), models, asker=asker, take_over=manner.take_over, strict=manner.strict, woken=manner.woken,
                    watch=drawn, begun=begun, code=code_now(bound, bound.lock.callables),
                )  # fmt: skip
                state = run_flow(store, bound, around, redo=manner.redo)
    except KeyboardInterrupt:
        return running.tell_stopped(store, bound.run, as_json=manner.as_json)
    return running.tell_end(store, bound, state, as_json=manner.as_json)


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
