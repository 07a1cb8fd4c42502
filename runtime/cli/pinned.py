"""A spec that was edited after its run had begun: the run keeps the plan that it is bound to, unless a person says otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...compiler.diagnostics import CompileError
from ...compiler.plan import Compiled
from ..failures import DarnerError, Refused
from ..journal.binding import Binding
from . import console, running


def code_now(bound: Binding, names: Iterable[str]) -> Mapping[str, str]:
    """Return today's fingerprints of a run's Python, by callable name: its plan is pinned, what runs is what is installed."""
    from ..project.fingerprint import Fingerprints  # noqa: PLC0415 - `--help` needs no runtime

    folder = Path(bound.spec).parent
    running.make_importable(folder)
    prints = Fingerprints(folder)
    return {name: prints.of(name) for name in sorted(names)}


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
            f"For the new one: darner resume {bound.run} --plan new, darner fork {bound.run} --at STEP --plan new, or a new run"
        )


def renewed(bound: Binding, policy: Path | None) -> Binding:
    """Return what a run is bound to from now on, by its spec as it is now, and say what has changed.

    Raises:
        CompileError: the spec is wrong.
        Refused: its inputs or parameters don't fit any more; or it was run under a policy that isn't known here.
    """
    from ...compiler.diff import changes  # noqa: PLC0415 - only a new plan needs it
    from ..journal import binding  # noqa: PLC0415 - `--help` needs no journal

    now = as_it_is_now(bound, policy)
    if now == bound:
        console.say("the spec is as it was, and so is the plan")
        return bound
    for change in changes((bound.plan, bound.lock), (now.plan, now.lock)):
        console.say("\n    ".join([f"{change.where}  {change.what}", *change.details]))
    console.say(f"{bound.run} goes on with the spec as it is now")
    return binding.renewed(bound, now)


def as_it_is_now(bound: Binding, policy: Path | None) -> Binding:
    """Return what a run would be bound to by its spec as it is now.

    Raises:
        CompileError: the spec is wrong.
        Refused: its inputs or parameters don't fit any more; or it was run under a policy that isn't known here.
    """
    now = recompiled(bound, policy)
    if policy is None and now.plan.policy != bound.plan.policy:
        raise Refused(
            f"the new plan has another policy than {bound.run}",
            help="give the policy that counts now with --policy FILE: the run may have been started under one",
        )
    return now


def recompiled(bound: Binding, policy: Path | None = None) -> Binding:
    """Return what a run is bound to, with its spec compiled as it is now; its inputs must still fit."""
    from ..project.load import compile_spec  # noqa: PLC0415 - only a new plan needs it

    return rebound(bound, compile_spec(Path(bound.spec), policy=policy))


def rebound(bound: Binding, made: Compiled) -> Binding:
    """Return what a run is bound to with another plan; `Refused` where its inputs or parameters don't fit."""
    from ..perform.inputs import refit  # noqa: PLC0415 - only a new plan needs it
    from ..project.load import bind_params  # noqa: PLC0415 - likewise

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
