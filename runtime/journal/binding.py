"""What a run is bound to: plan, lock, prompts, inputs, parameters; written before its journal starts.

A person may give a run another plan (`rebind`). The old one stays where it is, and ``inputs.json``, which is written last, says
which one counts: whatever moment a process dies at, there is one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from pydantic import ValidationError

from ...compiler.diagnostics import CompileError, closest
from ...compiler.lowering.plantext import from_text, to_text
from ...compiler.plan import Lock, Plan
from ..events import RunStarted
from ..failures import Corrupt, Missing, Refused
from ..ports import Json, Store
from . import paths
from .log import read_events

OF_ANOTHER = "what another store has is found with --store URL, or DARNER_STORE"
ELSEWHERE = f"`darner ps` lists what is there; {OF_ANOTHER}"
"""What to do where a store doesn't have what is looked for."""
FEW = 12
"""As many ids as fit on a line."""
Found = TypeVar("Found")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Binding:
    """One run, pinned. ``spec`` is the spec's file, beside which its Python is found."""

    run: str
    plan: Plan
    lock: Lock
    prompts: Mapping[str, str]
    inputs: Json
    params: Mapping[str, Json]
    spec: str
    user: str | None = None
    models: Mapping[str, Json] = field(default_factory=dict)
    """Where the target put models, as written in ``darner.toml``; with ``base``, the folder that scripts are relative to."""
    base: str | None = None
    before: tuple[str, ...] = ()
    """Digests of the plans that this one took the place of, the oldest first."""

    @property
    def revision(self) -> int:
        """The number of its plan, from 1."""
        return len(self.before) + 1

    @cached_property
    def text(self) -> str:
        """The plan's full text."""
        return to_text(self.plan, full=True)

    @cached_property
    def digest(self) -> str:
        """The digest of the plan's full text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def check_id(run_id: str) -> str:
    """Return a run's id; `Refused` where it can't be one."""
    if not _ID.fullmatch(run_id):
        raise Refused(f"{run_id!r} can't be a run's id", help="use letters, digits, '-', '_' and '.', at most 128, a letter or digit first")
    return run_id


def is_bound(store: Store, run_id: str) -> bool:
    """Return whether a run of that id was started."""
    return store.exists(paths.run_inputs(check_id(run_id)))


def bind(store: Store, binding: Binding) -> None:
    """Write what a run is bound to, durably; ``inputs.json`` comes last, and with it the run exists."""
    number = binding.revision
    for name, text in binding.prompts.items():
        store.put(paths.run_prompt(binding.run, name, number), text.encode())
    store.put(paths.run_lock(binding.run, number), binding.lock.model_dump_json(indent=2).encode())
    store.put(paths.run_plan(binding.run, number), binding.text.encode())
    told = {
        "inputs": binding.inputs,
        "params": dict(binding.params),
        "prompts": sorted(binding.prompts),
        "spec": binding.spec,
        "user": binding.user,
        "models": dict(binding.models),
        "base": binding.base,
    } | ({"before": list(binding.before)} if binding.before else {})
    store.put(paths.run_inputs(binding.run), json.dumps(told, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def rebind(store: Store, binding: Binding) -> None:
    """Give a run another plan, atomically; whoever does holds its journal. `Refused` where somebody else did meanwhile."""
    now = load(store, binding.run)
    if now == binding:
        return
    if binding.before != (*now.before, now.digest):
        raise Refused(f"{binding.run} was given another plan meanwhile", help="look at it with `darner show`, and try again")
    bind(store, binding)


def renewed(binding: Binding, plan: Binding) -> Binding:
    """Return a run's binding with the plan, the prompts, the parameters and the inputs of another one."""
    return replace(plan, run=binding.run, before=(*binding.before, binding.digest))


def earlier_plan(store: Store, binding: Binding, digest: str) -> Plan:
    """Return a plan that a run was bound to before, by its digest."""
    name = paths.run_plan(binding.run, binding.before.index(digest) + 1)
    return from_text(store.get(name).decode(), name)


def plan_text(store: Store, run_id: str) -> str:
    """Return the text of the plan that a run is bound to now; `Missing`, ValueError or TypeError where it can't be read."""
    told = _mapping(store.get(paths.run_inputs(run_id)))
    return store.get(paths.run_plan(run_id, len(told.get("before", ())) + 1)).decode()


def load(store: Store, run_id: str) -> Binding:
    """Return what a run is bound to.

    Raises:
        Refused: there is no such run.
        Corrupt: an object is gone, or is not what was written.
    """
    if not is_bound(store, run_id):
        if store.exists(paths.tombstone(run_id)):
            raise Refused(f"the run {run_id} was deleted from {store.url}", help="its id is not used again: give another --run, or none")
        if run_id in store.folders(paths.RUNS):
            _refuse_headless(store, run_id)
            raise Refused(f"the run {run_id} ended before anything of it had begun: nothing was done", help="run it again")
        msg = f"there is no run {run_id} in {store.url}"
        raise Refused(msg, help=_near(store, run_id))
    told = _read(store, run_id, paths.run_inputs(run_id), _mapping)
    before = tuple(told.pop("before", ()))
    number = len(before) + 1
    prompts = {name: _read(store, run_id, paths.run_prompt(run_id, name, number), bytes.decode) for name in told.pop("prompts", ())}
    where = paths.run_plan(run_id, number)
    plan = _read(store, run_id, where, lambda content: from_text(content.decode(), where))
    lock = _read(store, run_id, paths.run_lock(run_id, number), Lock.model_validate_json)
    return _read(
        store,
        run_id,
        paths.run_inputs(run_id),
        lambda _: Binding(run=run_id, plan=plan, lock=lock, prompts=prompts, before=before, **told),
    )


def _near(store: Store, run_id: str) -> str:
    """Return what may have been meant by an id that no run has: one nearly like it, a job, or something in another store."""
    if run_id in store.folders(paths.JOBS):
        return f"{run_id} is a job: `darner show {run_id}` shows it, and `darner run SPEC` goes on with it"
    names = run_ids(store)
    return closest(run_id, names) or (f"known here: {', '.join(names)}; {OF_ANOTHER}" if 0 < len(names) <= FEW else ELSEWHERE)


def _mapping(content: bytes) -> dict[str, Any]:
    told = json.loads(content)
    if not isinstance(told, dict):
        raise TypeError("it holds no mapping")
    return told


def _read(store: Store, run_id: str, name: str, parse: Callable[[bytes], Found]) -> Found:
    """Return what one object holds; `Corrupt` names it where it is gone, or is not what was written."""
    try:
        return parse(store.get(name))
    except (ValueError, TypeError, KeyError, ValidationError, CompileError, Missing) as error:
        raise _lost(store, run_id, name, str(error)) from error


def _refuse_headless(store: Store, run_id: str) -> None:
    """Say of a run with a history and without what it is bound to that this is gone; it is not a run that never began."""
    first = next(read_events(store, run_id), None)
    if isinstance(first, RunStarted) and first.forked is not None:
        msg = f"the fork {run_id} of {first.forked} was never finished: whoever made it was stopped meanwhile, or is at it"
        raise Refused(msg, help="fork again, with another --run; `darner gc` takes this one away once it is old")
    if first is not None:
        raise _lost(store, run_id, paths.run_inputs(run_id), "there is no such object")


def _lost(store: Store, run_id: str, name: str, why: str) -> Corrupt:
    msg = f"what the run {run_id} in {store.url} is bound to can't be read: {name}: {why}"
    return Corrupt(msg, help="bring the run's folder back from a backup, or start a new run")


def run_ids(store: Store) -> list[str]:
    """Return the ids of all runs in a store that were started, sorted."""
    return [run_id for run_id in store.folders(paths.RUNS) if _ID.fullmatch(run_id) and store.exists(paths.run_inputs(run_id))]
