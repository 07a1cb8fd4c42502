"""What a run may use in all, judged against what its journal says that it used."""

from __future__ import annotations

from decimal import Decimal

from ..compiler.plan import Plan
from .failures import Exhausted
from .ports import CallRequest
from .state import RunState

_PAID = frozenset({"model", "agent"})


def check(plan: Plan, state: RunState, request: CallRequest, now: float) -> None:
    """Raise `Exhausted` where a call would begin over the flow's budget, the policy's cost or the flow's time."""
    budget = plan.budget
    if request.kind in _PAID:
        if budget is not None and budget.tokens is not None and state.tokens >= budget.tokens:
            raise _used_up("budget.tokens", f"{state.tokens} of {budget.tokens} tokens")
        _check_cost(plan, state)
    limits = [limit for limit in (plan.timeout, budget.time if budget else None) if limit is not None]
    if limits and state.started is not None and now - state.started.at >= min(limits):
        raise _used_up("time", f"{now - state.started.at:.0f}s of {min(limits):.0f}s")


def _check_cost(plan: Plan, state: RunState) -> None:
    limits: dict[str, Decimal | None] = {"budget.cost": plan.budget.cost if plan.budget else None, "policy.max_cost": plan.policy.max_cost}
    for name, limit in limits.items():
        if limit is not None and state.cost >= limit:
            raise _used_up(name, f"{state.cost} of {limit} USD")


def _used_up(what: str, figures: str) -> Exhausted:
    return Exhausted(f"the run has used up its {what}: {figures}", help=f"raise {what} in the spec, and start a new run")
