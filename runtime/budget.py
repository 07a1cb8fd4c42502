"""What a run, a loop or a step may use in all, judged against what the journal says that it used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..compiler.plan import Plan, StepPlan
from .amounts import Bound
from .failures import Exhausted
from .ports import CallRequest, Json
from .relief import relief
from .reservations import Held, refuse, used_up
from .rounds import enclosing
from .state import RunState
from .usage import Used
from .waits import Waits

_PAID = frozenset({"model", "agent"})
LATE = "the run has used up its time"
"""How the message begins with which a run ends whose time is over."""


def bounds(plan: Plan, path: str, waits: Waits | None = None) -> tuple[Bound, ...]:
    """Return what binds the calls of a step: its own limits, and the budgets of the loops around it; with what people raised."""
    found = tuple(_bounds(plan, path))
    return found if waits is None else tuple(one.over(relief(waits, one.path).limits) for one in found)


def _bounds(plan: Plan, path: str) -> Iterator[Bound]:
    steps = plan.steps
    for one in enclosing(path):
        step = steps.get(one.rpartition("/")[2].partition("[")[0])
        if step is None:
            return
        yield from _bounds_of(one, step)
        steps = step.loop.steps if step.loop is not None else {}


def _bounds_of(path: str, step: StepPlan) -> Iterator[Bound]:
    if step.limits is not None:
        yield Bound(path, "limits", step.limits.cost, step.limits.tokens, step.limits.time)
    if step.loop is not None and step.loop.budget is not None:
        yield Bound(path, "budget", step.loop.budget.cost, step.loop.budget.tokens, step.loop.budget.time)


def check(plan: Plan, state: RunState, request: CallRequest, now: float, within: Sequence[Bound] = ()) -> None:
    """Raise `Exhausted` where a call would begin over a budget or a limit, the policy's cost or the flow's time."""
    for bound, used in held(plan, state, within) if request.kind in _PAID else ():
        refuse(bound, used)
    for bound in within:
        if bound.time is not None:
            _check_time(bound, state, now)
    left = time_left(plan, state, now)
    if left is not None and left <= 0:
        raise Exhausted(late(plan), help="raise it in the spec, and go on with `darner resume RUN --plan new`")


def held(plan: Plan, state: RunState, within: Sequence[Bound]) -> list[Held]:
    """Return all that bounds a call in tokens and money, outermost first, each with what was used of it."""
    run = Used(state.tokens, state.cost)
    return [*((one, run) for one in _of_run(plan)), *((one, state.ledger.of(one.path)) for one in within)]


def _of_run(plan: Plan) -> Iterator[Bound]:
    if plan.budget is not None:
        yield Bound("", "budget", plan.budget.cost, plan.budget.tokens, who="the run")
    if plan.policy.max_cost is not None:
        yield Bound("", "policy", plan.policy.max_cost, who="the run")


def check_round(plan: Plan, state: RunState, path: str, now: float, last: Json) -> None:
    """Raise `Exhausted`, with the last state, where a loop's round would begin over its budget."""
    try:
        for bound in bounds(plan, path, state.waits):
            refuse(bound, state.ledger.of(bound.path))
            _check_time(bound, state, now)
    except Exhausted as failure:
        failure.last = last
        raise


def _check_time(bound: Bound, state: RunState, now: float) -> None:
    if bound.time is None:
        return
    worked = state.ledger.of(bound.path).worked(now, state.epoch)
    if worked >= bound.time:
        raise used_up(bound, "time", f"{worked:.0f}s of {bound.time:g}s")


def time_left(plan: Plan, state: RunState, now: float) -> float | None:
    """Return the seconds that a flow has left, counted from its start; None where it has no time-out."""
    if plan.timeout is None and plan.budget is None:
        return None
    limits = [limit for limit in (plan.timeout, plan.budget.time if plan.budget else None) if limit is not None]
    if not limits or state.started is None:
        return None
    # A run that is parked uses up nothing, its time neither. A clock behind that of an earlier owner gives nobody more of it.
    return min(limits) - max(0.0, now - state.started.at - state.waits.idle)


def late(plan: Plan) -> str:
    """Return what is said of a flow whose time is over."""
    limits = [limit for limit in (plan.timeout, plan.budget.time if plan.budget else None) if limit is not None]
    return f"{LATE}: {min(limits):g}s since its start"
