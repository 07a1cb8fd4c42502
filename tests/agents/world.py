"""A plan of a shop, and a run of one of its agents against a scripted server over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from darner.compiler.plan import AgentPlan, ModelPlan, Plan, ToolPlan
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.testing import MemoryBoundary, ModelServer, Recorded

from . import shop

HERE = shop.__name__
PROMPT = "What is the weather in {{ city }}?"


def agent(**changes: Any) -> AgentPlan:
    """Return an agent that answers a question with a sentence."""
    settings = {"model": "small", "prompt": PROMPT, "input": f"{HERE}:Question", "output": f"{HERE}:Answer"}
    return AgentPlan.model_validate(settings | changes)


def tool(name: str, **changes: Any) -> ToolPlan:
    """Return a reading tool of the shop."""
    return ToolPlan.model_validate({"use": f"{HERE}:{name}", "effects": "read"} | changes)


def model(server: ModelServer, **changes: Any) -> ModelPlan:
    """Return a model at a scripted server."""
    return ModelPlan.model_validate({"use": "openai:scripted", "base_url": server.base_url} | changes)


def plan(
    models: Mapping[str, ModelPlan], agents: Mapping[str, AgentPlan], tools: Mapping[str, ToolPlan] | None = None, **changes: Any
) -> Plan:
    """Return a plan of these."""
    return Plan(plan="shop", models=dict(models), agents=dict(agents), tools=dict(tools or {}), **changes)


@dataclass
class Ran:
    """What came of a run."""

    output: Any = None
    requests: int = 0
    boundary: MemoryBoundary = field(default_factory=MemoryBoundary)
    bodies: list[dict[str, Any]] = field(default_factory=list)


def run(  # noqa: PLR0913 - what a test may vary; all but the script have a default
    script: str,
    *,
    tools: Mapping[str, ToolPlan] | None = None,
    agents: Mapping[str, AgentPlan] | None = None,
    recorded: Recorded | None = None,
    model_changes: Mapping[str, Any] | None = None,
    arguments: Any = None,
    delay: float = 0.0,
    secrets: Mapping[str, str] | None = None,
    key: str | None = None,
    agents_of: tuple[str, ...] = (),
    **changes: Any,
) -> Ran:
    """Run the agent ``assistant`` once, and return what came of it. Failures are raised."""
    with ModelServer(script, delay=delay, key=key) as server:
        wanted = {"assistant": agent(tools=tuple(tools or ()), agents=agents_of, **changes), **(agents or {})}
        made = plan({"small": model(server, **(model_changes or {}))}, wanted, tools, secrets=tuple(secrets or ()))
        boundary = MemoryBoundary(recorded)

        async def go() -> Any:
            async with Agents(made, prompts={}, secrets=EnvironmentSecrets(secrets or {})) as ready:
                ready.refuse_unready()
                return await ready.call(boundary, "assistant", {"city": "Paris"} if arguments is None else arguments, parent="reply")

        return Ran(asyncio.run(go()), server.requests, boundary, server.bodies)
