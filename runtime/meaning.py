"""What a callee means, as plain data: all that its results depend on. Two equal meanings may share results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..compiler.plan import AgentPlan, Lock, Plan, StepPlan
from ..compiler.settings import Cache
from ..compiler.wires import references, substitute
from .ports import Caching, Json


def agent_meaning(plan: Plan, params: Mapping[str, Any], lock: Lock, name: str, above: tuple[str, ...] = ()) -> Any:
    """Return what an agent's answers depend on beside its input: model, prompt, types, check, tools, other agents."""
    if name in above:
        return name
    agent: AgentPlan = plan.agents[name]
    return {
        "model": model_meaning(plan, params, agent.model),
        "prompt": [substitute(agent.prompt, params), lock.prompts.get(name, "")],
        "types": [code_meaning(agent.input, lock), code_meaning(agent.output, lock)],
        "reads": agent.reads,
        "new_fields": agent.new_fields,
        "check": agent.check and code_meaning(agent.check, lock),
        "tools": {tool: tool_meaning(plan, params, lock, tool) for tool in agent.tools},
        "agents": {other: agent_meaning(plan, params, lock, other, (*above, name)) for other in agent.agents},
        "version": agent.version,
    }


def model_meaning(plan: Plan, params: Mapping[str, Any], name: str, above: tuple[str, ...] = ()) -> Any:
    """Return what a model's answers depend on: which it is and its settings, not where it is reached or what it costs."""
    model = plan.models.get(name)
    if model is None or name in above:
        return name
    fallback = model.fallback and model_meaning(plan, params, model.fallback, (*above, name))
    told = {"use": substitute(model.use, params), "params": substitute(model.params, params), "fallback": fallback}
    return told | _named(model.params, params)


def tool_meaning(plan: Plan, params: Mapping[str, Any], lock: Lock, name: str) -> Any:
    """Return what a tool's results depend on beside its arguments: its code, what it is handed, its version."""
    tool = plan.tools.get(name)
    if tool is None:
        return name
    told = {"code": tool.use and code_meaning(tool.use, lock), "with": substitute(tool.with_, params), "version": tool.version}
    return told | _named(tool.with_, params)


def _named(value: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's parameters that a value refers to; nothing where there are none."""
    named = {str(ref.path[0]) for ref in references(value) if ref.root == "params"}
    return {"values": {one: params.get(one) for one in sorted(named)}} if named else {}


def code_meaning(name: str, lock: Lock) -> list[str]:
    """Return a callable or a type by its name and its code."""
    return [name, lock.callables.get(name, "")]


def callable_meaning(plan: Plan, params: Mapping[str, Any], lock: Lock, step: StepPlan) -> Any:
    """Return what the results of a step's callable depend on: its code, and everything that it may call."""
    called = {name: callee_meaning(plan, params, lock, name) for name in step.calls}
    return {"code": code_meaning(step.callable or "", lock), "calls": called}


def callee_meaning(plan: Plan, params: Mapping[str, Any], lock: Lock, name: str) -> Any:
    """Return what a tool, an agent or a person means."""
    return agent_meaning(plan, params, lock, name) if name in plan.agents else tool_meaning(plan, params, lock, name)


def fingerprint(meaning: Any) -> str:
    """Return a meaning as 32 hexadecimal digits."""
    text = json.dumps(meaning, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def caching(setting: Cache, meaning: Any, reads: Json, version: str | int | None = None) -> Caching | None:
    """Return how the results of a callee are shared; None where they aren't.

    Args:
        setting: the ``cache`` of a tool, an agent or a step.
        meaning: what the results depend on beside the arguments.
        reads: what of the arguments the callee reads.
        version: what a step's own ``version`` says.
    """
    if setting.scope == "off":
        return None
    versions = [one for one in (setting.version, version) if one is not None]
    shown = versions[0] if len(versions) == 1 else "/".join(map(str, versions)) or None
    return Caching(setting.scope, fingerprint(meaning), reads, shown, setting.ttl)
