"""What a run, a loop or a step may use in all, judged against what the journal says that it used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from ..compiler.plan import Plan, StepPlan
from ..compiler.settings import Limits
from .failures import Exhausted
from .ports import CallRequest, Json
from .relief import relief
from .rounds import enclosing
from .state import RunState
from .waits import Waits

_PAID = frozenset({"model", "agent"})


@dataclass(frozen=True, slots=True)
class Bound:
    """What everything below one path may use: a loop with all its rounds, or a step with its calls."""

    path: str
    name: str
    cost: Decimal | None = None
    tokens: int | None = None
    time: float | None = None

    def over(self, raised: Limits | None) -> Bound:
        """Return the bound with what a person raised laid over it."""
        if raised is None:
            return self
        cost, tokens, time = raised.cost or self.cost, raised.tokens or self.tokens, raised.time or self.time
        return replace(self, cost=cost, tokens=tokens, time=time)


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


def check(plan: Plan, state: RunState, request: CallRequest, now: float, within: tuple[Bound, ...] = ()) -> None:
    """Raise `Exhausted` where a call would begin over a budget or a limit, the policy's cost or the flow's time."""
    budget, paid = plan.budget, request.kind in _PAID
    if paid:
        if budget is not None and budget.tokens is not None and state.tokens >= budget.tokens:
            raise _used_up("the run", "budget.tokens", f"{state.tokens} of {budget.tokens} tokens")
        _check_cost(plan, state)
    for bound in within:
        _check_bound(bound, state, now, paid=paid)
    left = time_left(plan, state, now)
    if left is not None and left <= 0:
        raise Exhausted(late(plan), help="raise it in the spec, and start a new run")


def check_round(plan: Plan, state: RunState, path: str, now: float, last: Json) -> None:
    """Raise `Exhausted`, with the last state, where a loop's round would begin over its budget."""
    try:
        for bound in bounds(plan, path, state.waits):
            _check_bound(bound, state, now, paid=True)
    except Exhausted as failure:
        failure.last = last
        raise


def _check_bound(bound: Bound, state: RunState, now: float, *, paid: bool) -> None:
    used = state.ledger.of(bound.path)
    worked = used.worked(now, state.epoch)
    if paid and bound.cost is not None and used.cost >= bound.cost:
        raise _used_up(bound.path, f"{bound.name}.cost", f"{used.cost} of {bound.cost} USD")
    if paid and bound.tokens is not None and used.tokens >= bound.tokens:
        raise _used_up(bound.path, f"{bound.name}.tokens", f"{used.tokens} of {bound.tokens} tokens")
    if bound.time is not None and worked >= bound.time:
        raise _used_up(bound.path, f"{bound.name}.time", f"{worked:.0f}s of {bound.time:g}s")


def time_left(plan: Plan, state: RunState, now: float) -> float | None:
    """Return the seconds that a flow has left, counted from its start; None where it has no time-out."""
    limits = [limit for limit in (plan.timeout, plan.budget.time if plan.budget else None) if limit is not None]
    if not limits or state.started is None:
        return None
    # A run that is parked uses up nothing, its time neither. A clock behind that of an earlier owner gives nobody more of it.
    return min(limits) - max(0.0, now - state.started.at - state.waits.idle)


def late(plan: Plan) -> str:
    """Return what is said of a flow whose time is over."""
    limits = [limit for limit in (plan.timeout, plan.budget.time if plan.budget else None) if limit is not None]
    return f"the run has used up its time: {min(limits):g}s since its start"


def _check_cost(plan: Plan, state: RunState) -> None:
    limits: dict[str, Decimal | None] = {"budget.cost": plan.budget.cost if plan.budget else None, "policy.max_cost": plan.policy.max_cost}
    for name, limit in limits.items():
        if limit is not None and state.cost >= limit:
            raise _used_up("the run", name, f"{state.cost} of {limit} USD")


def _used_up(who: str, what: str, figures: str) -> Exhausted:
    return Exhausted(f"{who} has used up its {what}: {figures}", help=f"raise {what} in the spec, and start a new run")
