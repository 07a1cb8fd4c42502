"""What the commands that run things have in common: stores, places of models, how an end is told."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ...compiler.plan import ModelPlan, Plan
from ...compiler.quantities import format_money
from .. import budget, failed, questions
from ..failures import Refused
from ..journal import binding
from ..journal.binding import Binding
from ..journal.store import open_store
from ..places import ModelPlace
from ..ports import Json, Store
from ..project.settings import STORE, Target, find_target
from ..state import RunState
from . import console, exits
from .call import RunCall

DEFAULT_STORE = ".darner"
STORE_OPTIONS = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure"}
"""The section of a target that holds its store's options, by how the store's address begins: ``[target.NAME.s3]``."""

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="Where runs and jobs are kept: a folder, or s3://, gs://, az://bucket/prefix (or set DARNER_STORE)."
    ),
]
TargetOption = Annotated[
    str | None, typer.Option("--target", metavar="NAME", help="A section [target.NAME] of darner.toml (or set DARNER_TARGET).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
SingleWriterOption = Annotated[
    bool, typer.Option("--single-writer", help="Accept a bucket that ignores conditional writes; only one process may use it at a time.")
]
TakeOverOption = Annotated[bool, typer.Option("--take-over", help="Take the run from a process that seems to be alive; that one stops.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id.")]


def store_of(given: str | None, target: Target) -> Store:
    """Return the store that a command means: the one given, else the target's, else ``.darner``."""
    url = given or target.store or DEFAULT_STORE
    return open_store(url, store_options(target, url))


def store_options(target: Target, url: str) -> Mapping[str, Any]:
    """Return a target's options for its store."""
    section = STORE_OPTIONS.get(url.partition("://")[0].lower(), "")
    found = target.options.get(section, {})
    if not isinstance(found, Mapping):
        raise Refused(f"target.{target.name}.{section} must be a section", help=f"write [target.{target.name}.{section}]")
    return found


def here(given: str | None, name: str | None = None, *, single_writer: bool = False, run: str | None = None) -> Store:
    """Return the store that a command without a spec means; a target may stand beside the spec of ``run``, too."""
    try:
        target = find_target(Path.cwd(), name)
    except Refused:
        known = given or os.environ.get(STORE) or DEFAULT_STORE
        folder = None if run is None or "://" in known else _folder_of(known, run)
        if folder is None:
            raise
        target, given = find_target(folder, name), known
    return store_of(given, trusting(target, single_writer=single_writer))


def _folder_of(url: str, run_id: str) -> Path | None:
    """Return the folder of a run's spec; None where the store doesn't have the run."""
    store = open_store(url, {})
    return Path(binding.load(store, run_id).spec).parent if binding.is_bound(store, run_id) else None


def again(store: Store, command: str) -> str:
    """Return a command to type next, with its store where another one would be looked at without.

    A bucket isn't named: the way in may stand in a target's section.
    """
    try:
        usual = find_target(Path.cwd()).store
    except Refused:  # the target of the environment stands beside the spec
        usual = os.environ.get(STORE)
    if "://" in store.url or Path(store.url).resolve() == Path(usual or DEFAULT_STORE).resolve():
        return command
    return f"{command} --store {shlex.quote(store.url)}"


def trusting(target: Target, *, single_writer: bool) -> Target:
    """Return a target whose bucket is trusted without a probe, where that is wanted."""
    if not single_writer:
        return target
    sections = {name: {**target.options.get(name, {}), "single_writer": True} for name in STORE_OPTIONS.values()}
    return replace(target, options={**target.options, **sections})


def make_importable(folder: Path) -> None:
    """Let the spec's modules be found beside it first."""
    text = str(folder.resolve())
    if sys.path[:1] != [text]:
        sys.path.insert(0, text)


@contextmanager
def models_placed(plan: Plan, models: Mapping[str, Any], base: Path) -> Iterator[Mapping[str, ModelPlan]]:
    """Yield the models that a target puts elsewhere; servers of scripts run as long as the block."""
    if not models:
        yield {}
        return
    # Brings a web server and pydantic-ai's messages, and only targets with models need it.
    from ..testing.serving import placed  # noqa: PLC0415

    try:
        places = {name: ModelPlace.model_validate(one) for name, one in models.items()}
    except ValueError as error:
        raise Refused(f"the target's models can't be read: {error}", help='write script = "…", or base_url = "…"') from error
    with placed(plan.models, places, base) as reached:
        yield reached


def outputs_of(store: Store, run_id: str, state: RunState) -> Json:
    """Return a run's outputs, loaded; None where it has none."""
    if state.finished is None:
        return None
    if state.finished.blob is None:
        return state.finished.outputs
    from ..journal import blobs  # noqa: PLC0415 - only large outputs need it

    return blobs.get(store, run_id, state.finished.blob)


def tell_end(store: Store, bound: Binding, state: RunState, *, as_json: bool) -> int:
    """Print how a run ended, and return the exit code."""
    if state.finished is None and state.waits.parked:
        return tell_waiting(store, bound, state, as_json=as_json)
    outputs = outputs_of(store, bound.run, state)
    status = state.finished.status if state.finished is not None else "failed"
    told: dict[str, Any] = {"run": bound.run, "status": status, "outputs": outputs, "cost": format_money(state.cost)}
    if state.finished is not None and state.finished.error is not None:
        told["error"] = state.finished.error
    told |= tell_failures(state)
    if as_json:
        console.emit_json(told)
    elif status == "done":
        console.emit_json(outputs)
    if status != "done":
        _tell_failure(store, bound, state)
    return exits.DONE if status == "done" else exits.FAILED


def tell_failures(state: RunState) -> dict[str, Any]:
    """Say what failures cost so far, where there were any; return it as a part of what ``--json`` prints."""
    told = failed.sentence(state.attempts.by_class())
    if told is None:
        return {}
    console.say(told)
    return {"failures": failed.as_json(state.attempts.by_class())}


def tell_waiting(store: Store, bound: Binding, state: RunState, *, as_json: bool) -> int:
    """Print what a parked run waits for, and what has failed beside it meanwhile; return the exit code."""
    asked, due = state.waits.open, questions.due(state)
    if as_json:
        told = {"run": bound.run, "status": "waiting", "outputs": None, "questions": [questions.as_json(one) for one in asked], "due": due}
        console.emit_json({**told, "cost": format_money(state.cost), **tell_failures(state)})
    if _tell_failed_steps(state):
        console.say("what doesn't depend on that goes on; when it is over, the run fails")
    for one in asked:
        console.say("\n".join(questions.lines(one)))
    if asked:
        which = f"{asked[0].question} " if len(asked) > 1 else ""
        console.say(f"answer with: {again(store, f'darner answer {bound.run} {which}VALUE --resume')}")
    if due is not None:
        ways = f"{again(store, 'darner resume --due')}, or {again(store, f'darner resume {bound.run}')}"
        console.say(f"there is something to do at {questions.moment(due)}: {ways}")
    return exits.WAITING


def _tell_failed_steps(state: RunState) -> bool:
    """Say which steps have failed, and where the user's code raised what they failed with; return whether there are any."""
    failed_steps = {path: one for path, one in state.steps.items() if one.kind == "failed"}
    for path, outcome in failed_steps.items():
        place = f"{outcome.place}: " if outcome.place else ""
        console.complain(f"{place}step {path} failed ({outcome.failure}, {outcome.type}): {outcome.reason}")
        where = failed.where(path, state.calls.values())
        if where:
            console.say(f"  {where}")
    return bool(failed_steps)


def _tell_failure(store: Store, bound: Binding, state: RunState) -> None:
    if state.finished is not None and state.finished.status == "cancelled":
        console.say(f"the run was {state.finished.error}; what was finished is kept")
        return
    if not _tell_failed_steps(state) and state.finished is not None:
        console.complain(state.finished.error or "the run failed")
    is_late = state.finished is not None and (state.finished.error or "").startswith(budget.LATE)
    fix, how = ("raising timeout or budget.time in the spec", " --plan new") if is_late else ("a fix", "")
    console.say(f"what was finished is kept; after {fix} go on with: {again(store, f'darner resume {bound.run}{how}')}")


def tell_stopped(store: Store, run_id: str, *, as_json: bool) -> int:
    """Say that a run was stopped from outside, and how to go on."""
    if not binding.is_bound(store, run_id):
        error = "stopped before anything had begun; run it again"
        if as_json:
            console.emit_json({"run": None, "status": "failed", "outputs": None, "error": error, "cost": None})
        console.say(error)
        return exits.INTERRUPTED
    go_on = again(store, f"darner resume {run_id}")
    if as_json:
        console.emit_json(
            {"run": run_id, "status": "failed", "outputs": None, "error": f"stopped by a signal; go on with: {go_on}", "cost": None}
        )
    console.say(f"stopped; what was finished is kept. Go on with: {go_on}")
    return exits.INTERRUPTED


def refuse_for_flow(engine: str | None, allow_deletes: int) -> None:
    """Refuse what only a job has."""
    for option, is_given in (("--engine", engine is not None), ("--allow-deletes", allow_deletes != 0)):
        if is_given:
            raise Refused(f"{option} is for jobs, and this spec is a flow", help="leave it out")


def refuse_for_job(call: RunCall, *, watch: bool) -> None:
    """Refuse what only a flow has: inputs, a user, a tree that is drawn."""
    if call.inputs or call.inputs_file is not None:
        raise Refused("a job takes no inputs: its rows come from its source", help="give parameters with --set")
    if watch:
        raise Refused("--watch draws a flow's tree, and this spec is a job", help="leave it out: how far a job is, is always shown")
    if call.user is not None:
        raise Refused("--user is for flows, and this spec is a job: its results are everybody's", help="leave it out")


def account() -> str:
    """Return the name of the account that runs this command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
