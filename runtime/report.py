"""Events into a report: a run's steps and calls as a tree, with attempts, cost, and failures with their places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..compiler.plan import Lock, Plan
from ..compiler.quantities import format_money
from .ports import Json
from .state import CallState, Outcome, RunState

Status = Literal["done", "failed", "cancelled", "running", "interrupted", "not started"]


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call with the calls made for it. ``seconds`` is the last attempt's; ``cost`` is in US dollars."""

    what: str
    name: str
    status: str
    attempts: int
    seconds: float
    requests: int
    tokens: int
    cost: str
    failures: tuple[str, ...]
    calls: tuple[CallReport, ...]


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step, or one item of a mapped step."""

    step: str
    status: str
    reason: str
    place: str
    items: tuple[StepReport, ...]
    calls: tuple[CallReport, ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run, folded from its journal. Times are seconds since 1970; ``epochs`` is how often it was taken up."""

    run: str
    plan: str
    status: Status
    user: str | None
    holder: str | None
    started: float | None
    finished: float | None
    epochs: int
    error: str | None
    outputs: Json
    requests: int
    tokens: int
    cost: str
    steps: tuple[StepReport, ...]


def status_of(state: RunState, holder: str | None) -> Status:
    """Return how a run stands; ``holder`` is the process that holds it now, if any."""
    if state.finished is not None:
        return state.finished.status
    if state.started is None:
        return "not started"
    return "running" if holder else "interrupted"


def report(run: str, compiled: tuple[Plan, Lock], state: RunState, *, holder: str | None, outputs: Json) -> RunReport:
    """Return the report of a run; ``outputs`` are its payload, loaded."""
    plan, lock = compiled
    below: defaultdict[str, list[CallState]] = defaultdict(list)
    for call in state.calls.values():
        below[call.parent].append(call)
    return RunReport(
        run=run,
        plan=plan.plan,
        status=status_of(state, holder),
        user=state.started.user if state.started else None,
        holder=holder,
        started=state.started.at if state.started else None,
        finished=state.finished.at if state.finished else None,
        epochs=state.epoch,
        error=state.finished.error if state.finished else None,
        outputs=outputs,
        requests=state.requests,
        tokens=state.tokens,
        cost=format_money(state.cost),
        steps=tuple(_step(name, lock.places.get(name, ""), state, below) for name in plan.steps),
    )


def _step(name: str, place: str, state: RunState, below: Mapping[str, list[CallState]]) -> StepReport:
    items = state.maps.get(name)
    paths = [f"{name}[{index}]" for index in range(items.count)] if items else []
    return _one(name, place, state.outcome(name), below, tuple(_one(path, place, state.steps.get(path), below, ()) for path in paths))


def _one(path: str, place: str, outcome: Outcome | None, below: Mapping[str, list[CallState]], items: tuple[StepReport, ...]) -> StepReport:
    calls = tuple(_call(call, below) for call in below.get(path, ()))
    begun = bool(calls or items)
    status = outcome.kind if outcome else "begun" if begun else "open"
    return StepReport(path, status, outcome.reason if outcome else "", place, items, calls)


def _call(call: CallState, below: Mapping[str, list[CallState]]) -> CallReport:
    return CallReport(
        what=call.what,
        name=call.name,
        status=_call_status(call),
        attempts=call.begun,
        seconds=round(call.seconds, 3),
        requests=call.requests,
        tokens=call.tokens,
        cost=format_money(call.cost),
        failures=tuple(f"{one.failure}: {one.type}: {one.message}" for one in call.failures),
        calls=tuple(_call(one, below) for one in below.get(call.call, ())),
    )


def _call_status(call: CallState) -> str:
    if call.payload is not None:
        return "done"
    if call.unsettled:
        return "uncertain"
    return "failed" if call.failures and call.failures[-1].final else "begun"


def lines(told: RunReport) -> Iterator[str]:
    """Yield a report as lines of a tree."""
    taken = f", taken up {told.epochs} times" if told.epochs > 1 else ""
    held = f", held by {told.holder}" if told.holder else ""
    yield f"{told.run}  {told.status}  ({told.plan}{taken}{held}, {_used(told.requests, told.tokens, told.cost)})"
    for step in told.steps:
        yield from _step_lines(step, "  ")
    if told.error:
        yield f"  error: {told.error}"


def _step_lines(step: StepReport, indent: str) -> Iterator[str]:
    place = f"  {step.place}" if step.status == "failed" and step.place else ""
    yield f"{indent}{step.step}  {step.status}{f': {step.reason}' if step.reason else ''}{place}"
    for item in step.items:
        yield from _step_lines(item, indent + "  ")
    for call in step.calls:
        yield from _call_lines(call, indent + "  ")


def _call_lines(call: CallReport, indent: str) -> Iterator[str]:
    tried = f", {call.attempts} attempts" if call.attempts > 1 else ""
    used = f", {_used(call.requests, call.tokens, call.cost)}" if call.requests else ""
    yield f"{indent}{call.what} {call.name}  {call.status} ({call.seconds:.3f}s{tried}{used})"
    for failure in call.failures:
        yield f"{indent}  failed with {failure}"
    for below in call.calls:
        yield from _call_lines(below, indent + "  ")


def _used(requests: int, tokens: int, cost: str) -> str:
    return f"{requests} model requests, {tokens} tokens, {cost}"


def as_json(told: RunReport) -> dict[str, Any]:
    """Return a report as JSON."""
    return asdict(told)
