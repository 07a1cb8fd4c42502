"""Waiting for a limit is nobody's time: not a step's, not an agent's, not an attempt's."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import AgentPlan, ModelPlan, Plan
from darner.runtime.events import CallFailed, TurnAwaited
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.limits.folder import SETTING
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.unrecorded import UnrecordedBoundary
from darner.runtime.perform.world import SystemClock
from darner.runtime.state import fold
from darner.testing import ModelServer

from .. import warm

SPEC = """\
darner: 1
name: patient
models:
  small: {{use: "openai:scripted", base_url: "{url}", rate: {{requests: {rate}}}}}
agents:
  talker: {{model: small, prompt: "Say {{{{ input }}}}.", input: str, output: str}}
flow:
  steps:
    work: {{use: "talking:{code}", calls: [talker], limits: {{calls: 9, time: {time}}}}}
  outputs: $work
"""
PYTHON = """\
import asyncio

from darner import Call


async def four(talker: Call[str, str]) -> int:
    return len([await talker(f"word {number}") for number in range(4)])


async def gives_up(talker: Call[str, str]) -> str:
    await talker("a word")
    try:
        async with asyncio.timeout(0.5):
            await talker("another word")
    except TimeoutError:
        await asyncio.sleep(60)
    return "the end"
"""


FIRST = AgentPlan.model_validate({"model": "small", "prompt": "Say {{ input }}.", "input": "str", "output": "str"})
"""Has all the time that a first call needs on a slow machine: for imports, validators, a connection."""


def run(folder: Path, code: str, rate: str, time: str) -> tuple[int, dict[str, Any]]:
    """Run a flow of one step; return the exit code and what was told."""
    with ModelServer("replies: [{text: hello}]") as server:
        (folder / "patient.yaml").write_text(SPEC.format(url=server.base_url, code=code, rate=rate, time=time))
        (folder / "talking.py").write_text(PYTHON)
        command = [str(Path(sys.executable).with_name("darner")), "run", "patient.yaml", "--json", "--run", "r1", "--store", "store"]
        environ = {**os.environ, SETTING: str(folder / "limits")}
        ended = warm.run(command, imports=warm.MODELS, cwd=folder, env=environ)
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


@pytest.mark.soak
def test_a_step_waits_for_its_turns_longer_than_it_may_work(tmp_path: Path) -> None:
    """Four calls, one every three seconds, in a step with limits.time: 3s; the journal tells when each waited."""
    code, told = run(tmp_path, "four", "20/min", "3s")
    assert (code, told["outputs"]) == (0, 4), told
    events = list(read_events(open_store(str(tmp_path / "store")), "r1"))
    assert len([one for one in events if isinstance(one, TurnAwaited)]) == 3
    assert not [one for one in events if isinstance(one, CallFailed)]
    assert fold(events).ledger.of("work").seconds < 3.0


def test_a_call_that_is_given_up_while_it_waits_lets_time_go_on(tmp_path: Path) -> None:
    """The second call would wait for a minute, and its caller doesn't: from then on the step works, and its limit ends it."""
    code, told = run(tmp_path, "gives_up", "1/min", "6s")
    assert (code, told["status"]) == (1, "failed"), told
    assert "limits.time: 6s" in told["error"]
    events = list(read_events(open_store(str(tmp_path / "store")), "r1"))
    assert [one.over for one in events if isinstance(one, TurnAwaited)] == [False, True]


def test_an_agent_of_a_job_waits_longer_than_it_may_work() -> None:
    """Without a journal, too: three calls, one every two and a half seconds, each of at most two."""

    async def go(server: ModelServer) -> list[Any]:
        model = ModelPlan.model_validate({"use": "openai:scripted", "base_url": server.base_url, "rate": {"requests": "24/min"}})
        agent = AgentPlan.model_validate(
            {"model": "small", "prompt": "Say {{ input }}.", "input": "str", "output": "str", "limits": {"time": "2s"}}
        )
        plan = Plan(plan="patient", models={"small": model}, agents={"talker": agent, "first": FIRST})
        async with Agents(plan, prompts={}, secrets=EnvironmentSecrets({})) as agents:
            agents.refuse_unready()
            await agents.call(UnrecordedBoundary(SystemClock()), "first", {"input": "warm"}, parent="warm")
            work = (agents.call(UnrecordedBoundary(SystemClock()), "talker", {"input": name}, parent=name) for name in "abc")
            return await asyncio.gather(*work)

    with ModelServer("replies: [{text: hello}]") as server:
        assert asyncio.run(go(server)) == ["hello"] * 3


@pytest.mark.parametrize("form", ["retry_after: 2", "retry_after: 2, as_date: true"])
def test_what_a_provider_asks_for_is_no_agent_s_time(form: str) -> None:
    """429 with Retry-After of two seconds, in either form, and limits.time of one: the agent answers all the same."""

    async def go(server: ModelServer) -> Any:
        model = ModelPlan.model_validate({"use": "openai:scripted", "base_url": server.base_url})
        agent = AgentPlan.model_validate(
            {"model": "small", "prompt": "Say {{ input }}.", "input": "str", "output": "str", "limits": {"time": "1500ms"}}
        )
        plan = Plan(plan="patient", models={"small": model}, agents={"talker": agent, "first": FIRST})
        async with Agents(plan, prompts={}, secrets=EnvironmentSecrets({})) as agents:
            agents.refuse_unready()
            await agents.call(UnrecordedBoundary(SystemClock()), "first", {"input": "warm"}, parent="warm")
            return await agents.call(UnrecordedBoundary(SystemClock()), "talker", {"input": "hello"}, parent="a")

    refusal = f"{{fail: {{status: 429, {form}}}, times: 1}}"
    with ModelServer(f"replies: [{{when: {{text: warm}}, text: warmed}}, {refusal}, {{text: hello}}]") as server:
        assert asyncio.run(go(server)) == "hello"
        assert server.requests == 3
