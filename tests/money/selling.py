"""A flow that asks a model, for tests of what it costs: a scripted server over real HTTP, prices, budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from darner.compiler.plan import AgentPlan, Lock, ModelPlan, Plan, StepPlan
from darner.runtime.commits import GroupCommit
from darner.runtime.failures import Exhausted
from darner.runtime.journal.binding import Binding
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.perform.recording import Recording
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Json
from darner.runtime.reservations import Reservations
from darner.runtime.state import RunState
from darner.testing import MemoryLog, ModelServer

from ..hurried import PRICE, Hurried

PROMPT = "Describe {{ input }}."


def no_shouting(answer: str) -> bool:
    """Refuse an answer in capitals."""
    return not answer.isupper()


def agent(**changes: Any) -> AgentPlan:
    """Return an agent that answers a text with a text."""
    return AgentPlan.model_validate({"model": "small", "prompt": PROMPT, "input": "str", "output": "str"} | changes)


def plan(
    server: ModelServer, *, params: Mapping[str, Any] | None = None, limits: Any = None, check: str | None = None, **changes: Any
) -> Plan:
    """Return a flow of one step, which asks an agent."""
    small = {"use": "openai:scripted", "base_url": server.base_url, "price": PRICE, "params": dict(params or {})}
    models = {"small": ModelPlan.model_validate(small)}
    steps = {"ask": StepPlan.model_validate({"agent": "seller", "with": {"input": "a mug"}})}
    whole = {
        "plan": "selling",
        "models": models,
        "agents": {"seller": agent(limits=limits, check=check)},
        "steps": steps,
        "outputs": "$ask",
    }
    return Plan.model_validate(whole | changes)


def bound(made: Plan, folder: Path, run: str = "r") -> Binding:
    """Return a run of a plan."""
    return Binding(run, made, Lock(), {}, None, {}, str(folder / "spec.yaml"))


def sold(made: Plan, folder: Path, clock: Hurried | None = None) -> RunState:
    """Run a plan over a journal in memory, and return how it ended."""
    around = Surroundings(EnvironmentSecrets({}), clock=clock or Hurried())
    run = bound(made, folder)
    return drive(MemoryLog(), run, around, make_agents(run, around))


@dataclass
class Together:
    """What came of many calls at once."""

    state: RunState
    refused: list[str]


def recording(made: Plan, run: str = "r", reservations: Reservations | None = None) -> Recording:
    """Return what the boundaries of a run share, over a journal in memory."""
    state, log = RunState(), MemoryLog()
    return Recording(
        run, made, state, GroupCommit(log, state), Hurried(), lambda: 0.5, log.load, reservations=reservations or Reservations()
    )


def together(made: Plan, count: int, reservations: Reservations | None = None) -> Together:
    """Call the agent so many times at once, each on behalf of a step of its own."""
    shared = recording(made, reservations=reservations)

    async def one(number: int, agents: Agents) -> Json:
        return await agents.call(JournaledBoundary(shared), "seller", f"mug {number}", parent=f"ask[{number}]")

    async def go() -> list[Any]:
        async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
            agents.refuse_unready()
            return await asyncio.gather(*(one(number, agents) for number in range(count)), return_exceptions=True)

    ended = asyncio.run(go())
    refused = [str(one) for one in ended if isinstance(one, Exhausted)]
    assert all(isinstance(one, str | Exhausted) for one in ended), ended
    return Together(shared.state, refused)


def given(server: ModelServer) -> list[tuple[int, int]]:
    """Return what each answer used that the server gave, as its script says: tokens in, tokens out; (0, 0) for a failure."""
    counts = server.script._given
    replies = [(one.usage.input or 0, one.usage.output or 0) for one in server.script.replies]
    return [replies[number] for number, count in sorted(counts.items()) for _ in range(count)]


def priced(used: list[tuple[int, int]]) -> Decimal:
    """Return what that costs, exactly."""
    return sum((Decimal(2 * tokens_in + 20 * tokens_out) / 1_000_000 for tokens_in, tokens_out in used), Decimal(0))
