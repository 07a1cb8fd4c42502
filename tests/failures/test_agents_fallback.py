"""Another model is asked where one fails for good: for its network, its limits, its quota, its window; not for what a budget says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.events import CallFinished
from darner.testing import MemoryLog, ModelServer

from ..agents.world import agent
from .agents_flow import made, run
from .calls import page

FINE = "replies: [{answer: {text: fine}, usage: {input: 1000, output: 100}}]"
CHEAP, DEAR = {"price": {"input": "1 USD", "output": "10 USD"}}, {"price": {"input": "2 USD", "output": "20 USD"}}


def _two(first: dict[str, Any] | None = None, **changes: Any) -> Plan:
    models = {"small": {"fallback": "large", **CHEAP, **(first or {})}, "large": DEAR}
    tools = {"page": ToolPlan.model_validate({"use": f"{page.__module__}:page", "effects": "read"})}
    return made({"assistant": agent(tools=("page",), **changes)}, models, tools)


@pytest.mark.parametrize(
    ("script", "kind", "requests", "waits"),
    [
        ("quota: 0\nreplies: [{text: never}]", "exhausted", 1, 0),
        ("replies: [{fail: {status: 500}}]", "network", 5, 4),
        ("replies: [{fail: {broken: reset}}]", "network", 5, 4),
        ("replies: [{fail: {status: 429, retry_after: 2}}]", "throttled", 5, 4),
        ("replies: [{fail: {status: 429, retry_after: 3600}}]", "throttled", 1, 0),
        ("replies: [{fail: {status: 503, retry_after: 3600, as_date: true}}]", "throttled", 1, 0),
        ("window: 3\nreplies: [{text: never}]", "context", 1, 0),
    ],
)
def test_the_next_model_answers_what_one_can_t(tmp_path: Path, script: str, kind: str, requests: int, waits: int) -> None:
    """Once the first one's reaction is used up, a wait of more than a minute for one; the answer has the other's name and price."""
    with ModelServer(script) as small, ModelServer(FINE) as large:
        told = run(_two(), {"small": small, "large": large}, tmp_path)
        assert (small.requests, large.requests) == (requests, 1)
    assert (told.status, told.outputs, told.asked()) == ("done", {"ask": {"text": "fine"}}, ["large"])
    assert set(told.failures) == {kind}
    assert str(told.state.cost) == "0.004"
    assert sum(one >= 1 for one in told.waited) <= waits


def test_a_model_without_a_fallback_is_waited_for_as_long_as_it_says(tmp_path: Path) -> None:
    """An hour is an hour, where nobody else can be asked."""
    with ModelServer("replies: [{fail: {status: 429, retry_after: 3600}, times: 1}, {answer: {text: fine}}]") as server:
        told = run(made(), server, tmp_path)
    assert told.status == "done"
    assert sum(told.waited) >= 3600


def test_what_a_key_or_a_name_is_wrong_about_is_no_other_model_s_matter(tmp_path: Path) -> None:
    """401 and 404 are mistakes in the spec: they are told, and not hidden."""
    for status in (401, 404):
        with ModelServer(f"replies: [{{fail: {{status: {status}}}}}]") as small, ModelServer(FINE) as large:
            told = run(_two(), {"small": small, "large": large}, tmp_path)
            assert (told.status, large.requests) == ("failed: error", 0)


def test_a_limit_of_the_agent_s_own_asks_no_other_model(tmp_path: Path) -> None:
    """Only a provider's quota does: what the agent may use is used up for every model."""
    script = "replies: [{call: {page: {number: 1}}, usage: {input: 1000, output: 100}}]"
    with ModelServer(script) as small, ModelServer(FINE) as large:
        told = run(_two(limits={"tokens": 1000}), {"small": small, "large": large}, tmp_path)
        assert (told.status, small.requests, large.requests) == ("failed: exhausted", 1, 0)


def test_what_can_t_be_afforded_is_not_asked_of_a_cheaper_model(tmp_path: Path) -> None:
    """Money is the spec's decision: no request is made, of nobody."""
    dear = {"price": {"input": "10000 USD", "output": "10000 USD"}}
    with ModelServer(FINE) as small, ModelServer(FINE) as large:
        told = run(_two(dear, limits={"cost": "0.005 USD"}), {"small": small, "large": large}, tmp_path)
        assert (told.status, small.requests, large.requests) == ("failed: exhausted", 0, 0)


LONG = """
{extra}
replies:
  - {{when: {{turn: 4}}, {last}}}
  - {{when: {{turn: 1}}, call: {{page: {{number: 1}}}}}}
  - {{when: {{turn: 2}}, call: {{page: {{number: 2}}}}}}
  - {{when: {{turn: 3}}, call: {{page: {{number: 3}}}}}}
"""


def test_a_quota_that_is_gone_in_the_middle_is_no_end(tmp_path: Path) -> None:
    """Two turns of the first, the rest of the second: it goes on with the same conversation; each is paid at its own price."""
    quota = LONG.format(extra="quota: 100", last="text: never")
    with ModelServer(quota) as small, ModelServer(LONG.format(extra="", last="answer: {text: read}")) as large:
        told = run(_two(), {"small": small, "large": large}, tmp_path)
    assert told.outputs == {"ask": {"text": "read"}}
    assert told.asked() == ["small", "small", "large", "large"]
    assert told.failures == {"exhausted": 1}


@pytest.mark.parametrize("is_gone", [True, False], ids=["the first is still away", "the first is back"])
def test_a_resume_is_served_what_the_fallback_answered(tmp_path: Path, is_gone: bool) -> None:
    """Also after a failure that came later, and though the first model could answer again by now: nothing is paid twice."""
    journal = MemoryLog()
    broken = LONG.format(extra="", last="fail: {status: 401}")
    with ModelServer("replies: [{fail: {status: 500}}]") as small, ModelServer(broken) as large:
        assert run(_two(), {"small": small, "large": large}, tmp_path, journal).status == "failed: error"
    paid = [one for one in journal.events if isinstance(one, CallFinished) and one.what == "model"]
    assert [one.name for one in paid] == ["large"] * 3
    first = "replies: [{fail: {status: 500}}]" if is_gone else LONG.format(extra="", last="answer: {text: read}")
    with ModelServer(first) as small, ModelServer(LONG.format(extra="", last="answer: {text: read}")) as large:
        told = run(_two(), {"small": small, "large": large}, tmp_path, MemoryLog(journal.events))
        assert (small.requests, large.requests) == ((5, 1) if is_gone else (1, 0))
    assert (told.status, told.outputs) == ("done", {"ask": {"text": "read"}})
    assert told.asked("tool") == ["page"] * 3


def test_both_models_are_tried_again_once_both_had_failed(tmp_path: Path) -> None:
    """A resume begins with the first one, as a new run would."""
    journal = MemoryLog()
    away = "replies: [{fail: {status: 500}}]"
    with ModelServer(away) as small, ModelServer(away) as large:
        assert run(_two(), {"small": small, "large": large}, tmp_path, journal).status == "failed: network"
    with ModelServer(FINE) as small, ModelServer(away) as large:
        told = run(_two(), {"small": small, "large": large}, tmp_path, MemoryLog(journal.events))
        assert (told.status, small.requests, large.requests) == ("done", 1, 0)
