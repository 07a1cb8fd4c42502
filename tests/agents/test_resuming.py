"""Agents in a flow whose process dies after any commit: what was recorded is served, what is missing is done once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from darner.compiler.plan import Lock, ModelPlan, Plan, StepPlan
from darner.runtime.events import CallFinished
from darner.runtime.journal.binding import Binding
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState
from darner.testing import MemoryLog, ModelServer

from .world import agent, model, tool

SCRIPT = """
replies:
  - {when: {text: 'in Rome', turn: 1}, call: {reserve: {item: mug}}}
  - {when: {result: reserve}, answer: {text: '{result}'}}
  - {when: {text: 'in Peru'}, fail: {status: 500}, times: 1}
  - {when: {text: 'in (?P<city>[A-Za-z]+)'}, answer: {text: 'it rains in {city}'}}
"""


def _step(city: str, *after: str) -> StepPlan:
    return StepPlan.model_validate({"agent": "assistant", "with": {"city": city}, "after": after})


def _plan() -> Plan:
    """Return a conversation: one call, two at once, one more that hears them all."""
    return Plan(
        plan="talk",
        models={"small": ModelPlan(use="openai:scripted", base_url="http://127.0.0.1:1/v1")},
        agents={"assistant": agent(history="run", tools=("reserve",))},
        tools={"reserve": tool("reserve", effects="write", idempotent=True, **{"with": {"log": "$params.log"}})},
        steps={"a": _step("Rome"), "b": _step("Oslo", "a"), "c": _step("Peru", "a"), "d": _step("Lima", "b", "c")},
        outputs={name: f"${name}" for name in "abcd"},
    )


def _run(server: ModelServer, log: Path, journal: MemoryLog) -> RunState:
    bound = Binding("r", _plan(), Lock(), {}, None, {"log": str(log)}, str(log.parent / "spec.yaml"))
    around = Surroundings(EnvironmentSecrets({}), {"small": model(server)}, clock=_Hurried())
    return drive(journal, bound, around, make_agents(bound, around))


class _Hurried:
    """A clock whose waits are over at once."""

    def now(self) -> float:
        """Return a time."""
        return 1_800_000_000.0

    async def sleep(self, seconds: float) -> None:
        """Go on."""
        await asyncio.sleep(min(seconds, 0.001))


def test_a_conversation_that_dies_after_any_commit_goes_on_in_the_same_words(tmp_path: Path) -> None:
    """Requests are those that were missing; the write's key is the same in every life; outputs are equal."""
    whole = MemoryLog()
    log = tmp_path / "undisturbed"
    with ModelServer(SCRIPT) as server:
        undisturbed = _run(server, log, whole)
        assert undisturbed.finished is not None
        assert undisturbed.finished.status == "done"
        assert server.requests == 6
        heard = [one["content"] for one in server.bodies[-1]["messages"] if one["role"] == "user"]
        assert sorted(heard) == [f"What is the weather in {city}?" for city in ("Lima", "Oslo", "Peru", "Rome")]
    keys = set(log.read_text(encoding="utf-8").split())
    assert len(whole.commits) > 8
    for commit in whole.commits:
        begun = MemoryLog(whole.events[:commit])
        paid = sum(isinstance(one, CallFinished) and one.what == "model" for one in begun.events)
        is_peru_known = any("Peru" in str(one.value) for one in begun.events if isinstance(one, CallFinished))
        with ModelServer(SCRIPT) as server:
            resumed = _run(server, tmp_path / str(commit), begun)
            assert resumed.finished is not None
            assert resumed.finished.outputs == undisturbed.finished.outputs
            assert server.requests == 5 - paid + (0 if is_peru_known else 1)
        repeated = tmp_path / str(commit)
        if repeated.exists():
            assert set(repeated.read_text(encoding="utf-8").split()) == keys


def test_what_an_agent_went_through_stands_in_the_ledger(tmp_path: Path) -> None:
    """The failed attempt of one request: its class, its attempt, and what it says."""
    journal = MemoryLog()
    with ModelServer(SCRIPT) as server:
        state = _run(server, tmp_path / "log", journal)
    [failed] = [failure for call in state.calls.values() for failure in call.failures]
    assert (failed.failure, failed.attempt, failed.final) == ("network", 1, False)
    assert "HTTP 500" in failed.message
    assert (state.requests, state.tokens > 0) == (5, True)
