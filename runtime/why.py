"""Why a step of a run is as it is: made, served, copied, tried again, skipped, or still waiting for something."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ..compiler.diagnostics import did_you_mean
from ..compiler.plan import Plan
from . import graph, report, tree
from .events import Cached
from .failures import Refused
from .known import CallState
from .state import RunState

_NUMBERS = re.compile(r"\[\d+\]|/\d+")
SHOWN = 10
"""Calls that are told one by one."""


@dataclass(frozen=True, slots=True)
class CallWhy:
    """Where one call's result came from."""

    call: str
    step: str
    what: str
    name: str
    status: str
    source: str
    attempts: int
    failures: tuple[str, ...]
    cached: dict[str, Any] | None
    reason: str


@dataclass(frozen=True, slots=True)
class StepWhy:
    """What is known of one step, or of one item or round of it."""

    run: str
    step: str
    status: str
    reason: str
    waits_for: tuple[str, ...]
    """Steps that it reads, tests or comes after, and that aren't settled well."""
    epochs: int
    calls: tuple[CallWhy, ...]
    waits: tuple[str, ...] = ()
    """The people and the times that it waits for itself, as they follow the word ``waits``."""


def why(run_id: str, plan: Plan, state: RunState, path: str) -> StepWhy:
    """Return what is known of a step; `Refused` names near ones where there is none of that path."""
    steps = plan.steps
    *loops, name = _NUMBERS.sub("", path).split("/")
    for one in loops:
        loop = steps[one].loop if one in steps else None
        steps = loop.steps if loop is not None else {}
    if name not in steps:
        raise Refused(f"there is no step {path} in {run_id}", help=did_you_mean(name, steps) or f"its steps are {', '.join(plan.steps)}")
    outcome = state.outcome(path)
    calls = [one for one in state.calls.values() if _is_within(one.root, path)]
    waits = _waits_for(plan, state, path) if outcome is None and not calls else ()
    parked = tuple(tree.waited_for(one) for one in report.waits(state) if _is_within(one.step, path)) if outcome is None else ()
    status = outcome.kind if outcome else "waiting" if parked else "begun" if calls else "open"
    return StepWhy(run_id, path, status, outcome.reason if outcome else "", waits, state.epoch, tuple(map(_call, calls)), parked)


def _is_within(other: str, path: str) -> bool:
    return other == path or other.startswith((f"{path}[", f"{path}/"))


def _waits_for(plan: Plan, state: RunState, path: str) -> tuple[str, ...]:
    if path not in plan.steps:
        return ()
    needs = graph.wires(graph.build(plan), path).needs
    settled = {name for name in needs if (one := state.outcome(name)) is not None and one.kind != "failed"}
    return tuple(f"{name} ({_status(state, name)})" for name in plan.steps if name in needs - settled)


def _status(state: RunState, name: str) -> str:
    outcome = state.outcome(name)
    return outcome.kind if outcome is not None else "open"


def _call(call: CallState) -> CallWhy:
    return CallWhy(
        call=call.call,
        step=call.root,
        what=call.what,
        name=call.name,
        status="done" if call.payload is not None else "uncertain" if call.unsettled else "failed" if call.failures else "begun",
        source=call.source,
        attempts=call.begun,
        failures=tuple(f"{one.failure}: {one.type}: {one.message}{f', {one.where}' if one.where else ''}" for one in call.failures),
        cached=call.cached.model_dump() if call.cached is not None else None,
        reason=_reason(call),
    )


def _reason(call: CallState) -> str:
    tried = f", after {call.begun} attempts" if call.begun > 1 else ""
    if call.source == "fork":
        return "copied with the run that this is a fork of"
    if call.payload is None:
        return f"not finished{tried}"
    if call.cached is None:
        return f"made{tried}: it has no cache to ask"
    return _hit(call.cached) if call.cached.hit else f"made{tried}: cache {call.cached.scope} was asked, and {call.cached.reason}"


def _hit(cached: Cached) -> str:
    made = f"{datetime.fromtimestamp(cached.made, UTC):%Y-%m-%d %H:%M:%S}" if cached.made is not None else "?"
    return f"served from cache {cached.scope}: {cached.origin} made it at {made} UTC"


def lines(told: StepWhy) -> Iterator[str]:
    """Yield it as lines for people; of many calls those that differ first."""
    yield f"{told.run}  {told.step}  {told.status}{f': {told.reason}' if told.reason else ''}"
    for name in told.waits_for:
        yield f"  waits for {name}"
    yield from (f"  waits {what}" for what in told.waits)
    if told.epochs > 1:
        yield f"  the run was taken up {told.epochs} times; what had a result was served from the journal each time"
    for one in told.calls[:SHOWN]:
        yield f"  {one.step}: {one.what} {one.name}: {one.reason}"
        yield from (f"    failed with {failure}" for failure in one.failures)
        if one.cached is not None:
            yield f"    key {one.cached['key']}"
    rest = Counter(one.reason.partition(":")[0] for one in told.calls[SHOWN:])
    yield from (f"  … and {number} more: {reason}" for reason, number in rest.items())


def as_json(told: StepWhy) -> dict[str, Any]:
    """Return it as JSON."""
    return asdict(told)
