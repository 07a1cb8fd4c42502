"""Two plans into what changed between them, and what each change means for results that are there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .plan import Lock, Plan

SECTIONS = ("steps", "stages", "agents", "tools", "humans", "models", "datasets", "resources", "params")
"""The parts of a plan that hold entries by name."""
WHOLE = ("policy", "budget", "timeout", "inputs", "outputs", "secrets", "job")
"""The parts of a plan that are one thing."""
QUIET: Mapping[str, frozenset[str]] = {
    "steps": frozenset({"timeout", "resources", "on_failure", "limits", "cache"}),
    "stages": frozenset({"resources", "batch", "concurrency", "on_failure", "cache"}),
    "agents": frozenset({"limits", "tier", "on_failure", "cache"}),
    "tools": frozenset({"timeout", "resources", "on_failure", "cache", "sandbox", "egress", "reconcile", "idempotent", "approval"}),
    "models": frozenset({"base_url", "secret", "rate", "price"}),
    "humans": frozenset({"notify", "timeout", "remind"}),
}
"""Settings that say how and where something is done, not what comes of it."""
LONG = 60
"""Characters of a value above which its end is left out."""
NO_RESULT = ("resources", "policy", "budget", "timeout", "secrets")
"""Parts on which no result depends."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``where`` is a path such as ``agents.ranker`` or ``policy``."""

    where: str
    what: Literal["added", "removed", "changed"]
    details: tuple[str, ...] = ()
    """What of it, as ``key: old -> new``."""
    redoes: bool = False
    """Whether results depend on it."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What the changes together mean: for one node, or for all."""

    where: str
    text: str


def changes(old: tuple[Plan, Lock], new: tuple[Plan, Lock]) -> tuple[Change, ...]:
    """Return what differs between two plans with their locks, in the order of a plan's parts."""
    (before, before_lock), (after, after_lock) = old, new
    told, now = (one.model_dump(mode="json", by_alias=True, exclude_defaults=True) for one in (before, after))
    found: list[Change] = []
    for section in SECTIONS:
        found += _entries(section, told.get(section, {}), now.get(section, {}))
    found += [_changed(part, told.get(part), now.get(part), part not in NO_RESULT) for part in WHOLE if told.get(part) != now.get(part)]
    found += _texts("prompts", before_lock.prompts, after_lock.prompts)
    found += _texts("code", before_lock.callables, after_lock.callables)
    return tuple(found)


def _entries(section: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        where = f"{section}.{name}"
        if name not in new:
            yield Change(where, "removed", (), section in {"steps", "stages"})
        elif name not in old:
            yield Change(where, "added", (), section in {"steps", "stages"})
        elif old[name] != new[name]:
            differing = {key for key in (*old[name], *new[name]) if old[name].get(key) != new[name].get(key)}
            redoes = section not in NO_RESULT and bool(differing - QUIET.get(section, frozenset()))
            yield _changed(where, old[name], new[name], redoes)


def _changed(where: str, old: Any, new: Any, redoes: bool) -> Change:  # noqa: FBT001 - a fact about the change
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
        return Change(where, "changed", tuple(f"{key}: {_shown(old.get(key))} -> {_shown(new.get(key))}" for key in keys), redoes)
    return Change(where, "changed", (f"{_shown(old)} -> {_shown(new)}",), redoes)


def _shown(value: Any) -> str:
    if value is None:
        return "(nothing)"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def _texts(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    """Yield texts and code that are in both, and differ; what came or went shows in the plan."""
    yield from (Change(f"{kind}.{name}", "changed", (), redoes=True) for name in old if name in new and old[name] != new[name])


def consequences(old: Plan, new: Plan, found: tuple[Change, ...]) -> tuple[Consequence, ...]:
    """Return what changes mean for what is there already: a job's rows, a flow's runs, shared results."""
    if not found:
        return ()
    touched = {one.where for one in found if one.redoes}
    return tuple(_of_a_job(new, touched) if new.job is not None else _of_a_flow(old, new, found, touched))


def _of_a_job(plan: Plan, touched: set[str]) -> Iterator[Consequence]:
    redone = [name for name, stage in plan.stages.items() if _reaches(plan, f"stages.{name}", stage.runs, touched, stage.output)]
    if not redone:
        yield Consequence("stages", "no row is done again")
    for name in redone:
        yield Consequence(f"stages.{name}", "every row is done again here; a later stage only where what it reads differs then")
    if redone:
        yield Consequence("rows", "`darner run SPEC --dry` counts them exactly, and asks no model for it")


def _reaches(plan: Plan, where: str, runs: str, touched: set[str], *types: str) -> bool:
    """Return whether what a node runs depends on something that was touched."""
    if where in touched or any(f"code.{one}" in touched for one in types if one):
        return True
    if runs in plan.agents:
        return _agent_reaches(plan, runs, touched, ())
    if runs in plan.tools:
        return f"tools.{runs}" in touched or f"code.{plan.tools[runs].use}" in touched
    return f"code.{runs}" in touched


def _agent_reaches(plan: Plan, name: str, touched: set[str], above: tuple[str, ...]) -> bool:
    if name in above:
        return False
    agent = plan.agents[name]
    own = {
        f"agents.{name}",
        f"prompts.{name}",
        f"models.{agent.model}",
        f"code.{agent.input}",
        f"code.{agent.output}",
        f"code.{agent.check}",
    }
    return (
        bool(own & touched)
        or any(_reaches(plan, f"tools.{one}", one, touched) for one in agent.tools)
        or any(_agent_reaches(plan, one, touched, (*above, name)) for one in agent.agents)
    )


def _of_a_flow(old: Plan, new: Plan, found: tuple[Change, ...], touched: set[str]) -> Iterator[Consequence]:
    is_bound = any(not one.where.startswith("code.") for one in found)
    if is_bound:
        yield Consequence("runs under way", "they keep the plan and the prompts that they are bound to; new runs have these")
    code = sorted(one.where.removeprefix("code.") for one in found if one.where.startswith("code."))
    if code:
        yield Consequence("runs under way", f"what is finished is served as it is; what is still open runs today's {', '.join(code)}")
    for name, step in new.steps.items():
        runs = step.agent or step.tool or step.callable or ""
        calls = any(_reaches(new, f"tools.{one}", one, touched) for one in step.calls)
        shares = step.cache.scope != "off" or any(_cached(new, one) for one in (runs, *step.calls))
        if name in old.steps and shares and (calls or _reaches(new, f"steps.{name}", runs, touched)):
            yield Consequence(f"steps.{name}", "shared results made before are not found any more: each input is paid for once again")


def _cached(plan: Plan, name: str) -> bool:
    callee = plan.agents.get(name) or plan.tools.get(name)
    return callee is not None and callee.cache.scope != "off"
