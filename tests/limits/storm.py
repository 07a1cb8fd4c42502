"""One of several processes that ask a provider as fast as they may, in several sessions: each a run of its own.

``python -m tests.limits.storm {"server": URL, "sessions": 10, "rate": {…}, "shared": FOLDER | null}`` prints
how many answers each session had. It says ``ready`` first, and is then told on its standard input from when to when: moments of
the machine's clock. With no folder to share, each session has one for itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from darner.compiler.plan import AgentPlan, ModelPlan, Plan
from darner.runtime.evidence import classify
from darner.runtime.failures import Failure, Throttled
from darner.runtime.perform import world
from darner.runtime.perform.limits.access import pace_of
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.unrecorded import UnrecordedBoundary
from darner.runtime.perform.world import new_uuid
from darner.runtime.ports import CallRequest, Outcome, Permit
from darner.runtime.signs import HttpAnswer

from .wire import Wire

FINE = 200
Ask = Callable[[str], Awaitable[None]]


def model(told: dict[str, Any]) -> ModelPlan:
    return ModelPlan.model_validate({"use": "openai:scripted", "base_url": told["server"], "rate": told.get("rate") or {}})


def talker(told: dict[str, Any]) -> Ask:
    """Return what asks an agent: everything that a call passes through."""
    from darner.runtime.perform.agents.agents import Agents  # noqa: PLC0415 - brings what half of the storms don't need

    agent = AgentPlan.model_validate({"model": "small", "prompt": "Say {{ input }}.", "input": "str", "output": "str"})
    plan = Plan(plan="storm", models={"small": model(told)}, agents={"talker": agent})
    agents = Agents(plan, prompts={}, secrets=EnvironmentSecrets({}))
    agents.refuse_unready()
    agents.models.pace("small")

    async def ask(name: str) -> None:
        boundary = UnrecordedBoundary(world.SystemClock(), chance=world.chance)
        await agents.call(boundary, "talker", {"input": f"hello {name}"}, parent=name)

    return ask


def caller(told: dict[str, Any]) -> Ask:
    """Return what asks the server with nothing around but the limiter: a hundred times a second, on a machine that has other work."""
    wire, pace = Wire(told["server"]), pace_of(model(told), None, new_uuid())
    request = CallRequest(parent="storm", kind="model", name="small", arguments=None, turn=pace.turn)

    async def body(_permit: Permit) -> Outcome:
        status, headers = await wire.post()
        if status != FINE:
            cause = classify(HttpAnswer(status, headers), now=world.SystemClock().now())
            await pace.refused(cause.retry_after)
            raise Throttled("later", retry_after=cause.retry_after)
        await pace.heard(headers)
        pace.used(15)
        return Outcome(None)

    async def ask(_name: str) -> None:
        await UnrecordedBoundary(world.SystemClock(), chance=world.chance).call(request, body)

    return ask


async def session(ask: Ask, told: dict[str, Any], name: str, counts: Counter[str]) -> None:
    await asyncio.sleep(max(0.0, told["begin"] - world.moment()))
    number = 0
    while world.moment() < told["end"]:
        number += 1
        try:
            async with asyncio.timeout(max(0.001, told["end"] - world.moment())):
                await ask(f"{name} {number}")
        except TimeoutError:
            return
        except Failure as failure:
            counts[f"failed: {failure.kind}"] += 1
        else:
            counts[name] += 1


async def main(told: dict[str, Any]) -> Counter[str]:
    counts = Counter[str]()
    sessions: list[tuple[Ask, str]] = []
    for number in range(told["sessions"]):
        os.environ["DARNER_LIMITS"] = told.get("shared") or str(Path(tempfile.mkdtemp(dir=told["alone"])) / "limits")
        name = f"{told['name']}-{number}"
        counts[name] = 0
        sessions.append((caller(told) if told["light"] else talker(told), name))
    print("ready", flush=True)  # noqa: T201 - it is read by who started it
    told |= json.loads(sys.stdin.readline())
    await asyncio.gather(*(session(ask, told, name, counts) for ask, name in sessions))
    return counts


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))  # noqa: T201 - likewise
