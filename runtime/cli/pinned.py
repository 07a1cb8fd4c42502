"""A spec that was edited after its run had begun, told: the run keeps the plan that it is bound to."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ...compiler.diagnostics import CompileError
from ..failures import DarnerError
from ..journal.binding import Binding
from . import console


def tell_edited(bound: Binding) -> None:
    """Say so where the run's spec compiles to another plan now, or its prompts are others; it must be importable."""
    try:
        now = recompiled(bound)
    except (CompileError, DarnerError):
        return  # the run needs no spec that compiles; who wants the new plan is told what is wrong with it by `check`
    if now.plan.policy != bound.plan.policy:
        return  # it was laid over by a policy that isn't known here, so that nobody can tell what the spec alone says
    if (now.digest, now.prompts) != (bound.digest, bound.prompts):
        console.say(
            "the spec has changed since; this run keeps the plan it began with. "
            f"For the new one: darner fork {bound.run} --at STEP --plan new, or a new run"
        )


def recompiled(bound: Binding) -> Binding:
    """Return what a run is bound to, with its spec compiled as it is now; its inputs must still fit."""
    from ..perform.inputs import refit  # noqa: PLC0415 - only a new plan needs it
    from ..project.load import bind_params, compile_spec  # noqa: PLC0415 - likewise

    made = compile_spec(Path(bound.spec))
    known = made.plan.params
    given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in bound.params.items() if name in known}
    return dataclasses.replace(
        bound,
        plan=made.plan,
        lock=made.lock,
        prompts=made.prompts,
        params=bind_params(made.plan.params, given),
        inputs=refit(made.plan.inputs, bound.inputs),
    )
