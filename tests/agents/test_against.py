"""Agents against everything that a model's server can do: the class of failure, the attempts, the waits, what it cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Lock, ModelPlan, Plan, StepPlan
from darner.runtime.journal.binding import Binding
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState
from darner.testing import MemoryLog, ModelServer

from ..hurried import PRICE, Hurried
from .world import agent, model, tool

FINE = "{answer: {text: fine}, usage: {input: 1000, output: 100}}"


@dataclass
class Seen:
    """What came of a run."""

    state: RunState
    requests: int
    waited: list[float]

    @property
    def failures(self) -> Counter[str]:
        """Failed attempts in the ledger, by class."""
        return Counter(failure.failure for call in self.state.calls.values() if call.what == "model" for failure in call.failures)

    @property
    def status(self) -> str:
        """How the run ended, with the class of the step's failure."""
        outcome = self.state.steps["ask"]
        return outcome.kind if outcome.failure is None else f"{outcome.kind}: {outcome.failure}"


def run(script: str, folder: Path, model_changes: dict[str, Any] | None = None, **changes: Any) -> Seen:
    """Run one agent over a journal."""
    with ModelServer(script) as server:
        plan = Plan(
            plan="p",
            models={"small": ModelPlan(use="openai:scripted", base_url="http://127.0.0.1:1/v1")},
            agents={"assistant": agent(tools=("stock",), **changes)},
            tools={"stock": tool("stock")},
            steps={"ask": StepPlan.model_validate({"agent": "assistant", "with": {"city": "Paris"}})},
            outputs="$ask",
        )
        clock = Hurried()
        there = model(server, price=PRICE, **(model_changes or {}))
        around = Surroundings(EnvironmentSecrets({}), {"small": there}, clock=clock)
        bound = Binding("r", plan, Lock(), {}, None, {}, str(folder / "spec.yaml"))
        state = drive(MemoryLog(), bound, around, make_agents(bound, around))
        return Seen(state, server.requests, clock.waited)


@pytest.mark.parametrize("changes", [{}, {"params": {"stream": True}}], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("fail", "times", "kind", "least"),
    [
        ("{status: 429, retry_after: 3}", 7, "throttled", 3.0),
        ("{status: 429, retry_after: 60, as_date: true}", 2, "throttled", 50.0),
        ("{status: 429}", 3, "throttled", 0.0),
        ("{status: 503, retry_after: 2}", 6, "throttled", 2.0),
        ("{status: 529}", 2, "throttled", 0.0),
        ("{status: 500}", 4, "network", 0.0),
        ("{status: 502, retry_after: 5}", 4, "network", 5.0),
        ("{broken: reset}", 4, "network", 0.0),
        ("{broken: garbage}", 4, "network", 0.0),
        ("{broken: truncated}", 4, "network", 0.0),
        ("{broken: unfinished}", 4, "network", 0.0),
    ],
)
def test_what_passes_is_waited_for_and_the_answer_is_paid_once(  # noqa: PLR0913, PLR0917 - a row of the table
    tmp_path: Path, fail: str, times: int, kind: str, least: float, changes: dict[str, Any]
) -> None:
    """So many failed attempts of that class, so many waits, none shorter than asked for; the cost is one answer's."""
    seen = run(f"replies:\n  - {{fail: {fail}, times: {times}}}\n  - {FINE}\n", tmp_path, changes)
    assert (seen.status, seen.failures) == ("done", Counter({kind: times}))
    assert (seen.requests, len(seen.waited)) == (times + 1, times)
    assert all(least <= one <= max(90.0, least) for one in seen.waited)
    assert (seen.state.requests, str(seen.state.cost)) == (1, "0.004")


@pytest.mark.parametrize(
    ("fail", "status", "requests"),
    [
        ("{status: 500}", "failed: network", 5),
        ("{broken: reset}", "failed: network", 5),
        ("{broken: garbage}", "failed: network", 5),
        ("{broken: truncated}", "failed: network", 5),
        ("{status: 429, retry_after: 1}", "failed: throttled", 60),
        ("{status: 429, code: insufficient_quota}", "failed: exhausted", 1),
        ("{status: 400, code: context_length_exceeded}", "failed: context", 1),
        ("{status: 401}", "failed: error", 1),
        ("{status: 404}", "failed: error", 1),
    ],
)
def test_what_goes_on_for_ever_ends_in_its_class(tmp_path: Path, fail: str, status: str, requests: int) -> None:
    """Nothing is tried for ever, and nothing that can't help is tried again."""
    seen = run(f"replies: [{{fail: {fail}}}]", tmp_path)
    assert (seen.status, seen.requests) == (status, requests)


@pytest.mark.parametrize(
    ("reply", "limits", "status", "most"),
    [
        ("{text: '%%% garbage %%%', usage: {input: 100, output: 10}}", {"turns": 5}, "failed: semantic", 3),
        ("{answer: {nonsense: 1}, usage: {input: 100, output: 10}}", {"turns": 5}, "failed: semantic", 3),
        ("{call: {no_such_tool: {}}, usage: {input: 100, output: 10}}", {"turns": 5}, "failed: semantic", 3),
        ("{call: {stock: {wrong: 1}}, usage: {input: 100, output: 10}}", {"turns": 5}, "failed: semantic", 3),
        ("{call: {stock: {item: mug}}, usage: {input: 100, output: 10}}", {"turns": 50}, "failed: exhausted", 4),
        ("{refuse: I will not, usage: {input: 100, output: 10}}", {"turns": 5}, "failed: semantic", 3),
    ],
)
def test_a_model_that_answers_garbage_for_ever_is_given_up(tmp_path: Path, reply: str, limits: Any, status: str, most: int) -> None:
    """Three attempts, each with the reason; all of them are paid for, and counted."""
    seen = run(f"replies: [{reply}]", tmp_path, limits=limits)
    assert seen.status == status
    assert 1 <= seen.requests <= most
    assert seen.state.tokens == 110 * seen.requests
    assert seen.state.cost * 10000 == 4 * seen.requests


@pytest.mark.parametrize(
    ("limits", "requests", "words"),
    [({"turns": 6}, 6, "limits.turns"), ({"tokens": 500}, 5, "limits.tokens"), ({"cost": "0.0015 USD"}, 4, "limits.cost")],
)
def test_a_model_that_is_patient_enough_to_go_on_for_ever_is_ended_by_its_limits(
    tmp_path: Path, limits: Any, requests: int, words: str
) -> None:
    """Always another call, never an answer: turns, tokens or money are used up, class exhausted."""
    calls = "\n".join(
        f"  - {{when: {{turn: {n}}}, call: {{stock: {{item: i{n}}}}}, usage: {{input: 100, output: 10}}}}" for n in range(1, 40)
    )
    seen = run(f"replies:\n{calls}\n", tmp_path, limits=limits)
    assert (seen.status, seen.requests) == ("failed: exhausted", requests)
    assert words in seen.state.steps["ask"].reason


def test_a_thousand_attempts_at_garbage_are_ended_by_a_limit(tmp_path: Path) -> None:
    """Feedback is no turn, but it counts tokens: a generous reaction doesn't get around a limit, nor is it overshot."""
    script = "replies: [{answer: {nonsense: 1}, usage: {input: 100, output: 10}}]"
    seen = run(script, tmp_path, limits={"turns": 3, "tokens": 1000}, on_failure={"semantic": {"attempts": 1000}})
    assert (seen.status, seen.requests, seen.state.tokens) == ("failed: exhausted", 9, 990)
