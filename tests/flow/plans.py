"""Small plans for tests, written as a spec's flow is."""

from __future__ import annotations

from typing import Any

from darner.compiler.plan import Plan, StepPlan


def step(**given: Any) -> StepPlan:
    """Return a step that runs a callable, unless it says otherwise."""
    runs = {"callable", "tool", "agent", "human", "loop"} & set(given)
    return StepPlan.model_validate({**({} if runs else {"callable": "shop:work"}), **given})


def flow(outputs: Any = None, /, **steps: StepPlan) -> Plan:
    """Return a plan of some steps, in this order."""
    return Plan.model_validate(
        {"plan": "test", "steps": {name: one.model_dump(by_alias=True) for name, one in steps.items()}, "outputs": outputs}
    )
