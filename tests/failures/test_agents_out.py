"""A model that declared itself out is left alone for the rest of an agent's call; what passes is forgotten with the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.events import CallFailed, CallFinished, Event
from darner.runtime.failures import Exhausted, Failure, Network
from darner.runtime.perform.agents.chain import OVERFLOW, QUOTA, Chain
from darner.runtime.ports import NOT_ON_RECORD, OnRecord
from darner.testing import MemoryLog, ModelServer

from ..agents.world import agent
from .agents_flow import ask, made, run
from .calls import page

TURNS = """
{extra}
replies:
  - {{when: {{turn: 4}}, {last}}}
  - {{when: {{turn: 1}}, call: {{page: {{number: 1}}}}}}
  - {{when: {{turn: 2}}, call: {{page: {{number: 2}}}}}}
  - {{when: {{turn: 3}}, call: {{page: {{number: 3}}}}}}
"""
READ = TURNS.format(extra="", last="answer: {text: read}")
AWAY = "replies: [{fail: {status: 500}}]"
GONE, NARROW = "quota: 0\nreplies: [{text: never}]", "window: 3\nreplies: [{text: never}]"


def _plan(*, on_failure: Any = None, names: tuple[str, ...] = ("small", "large"), steps: tuple[str, ...] = ("ask",)) -> Plan:
    models = {name: {"fallback": after} if after else {} for name, after in zip(names, (*names[1:], None), strict=True)}
    tools = {"page": ToolPlan.model_validate({"use": f"{page.__module__}:page", "effects": "read"})}
    asked = {name: ask(name, after=steps[:number][-1:]) for number, name in enumerate(steps)}
    return made({"assistant": agent(tools=("page",), on_failure=on_failure or {})}, models, tools, asked)


@pytest.mark.parametrize(
    ("script", "requests"),
    [
        (GONE, 1),
        ("replies: [{fail: {status: 429, code: insufficient_quota}}]", 1),
        ("replies: [{fail: {status: 402}}]", 1),
        (NARROW, 1),
        ("replies: [{fail: {status: 500}}]", 4 * 5),
        ("replies: [{fail: {status: 429, retry_after: 2}}]", 4 * 5),
    ],
)
def test_what_stays_is_asked_once_and_what_passes_at_each_turn(tmp_path: Path, script: str, requests: int) -> None:
    """Four turns: a quota and a window are out for all of them; a network and a limit may be back any moment."""
    with ModelServer(script) as small, ModelServer(READ) as large:
        told = run(_plan(), {"small": small, "large": large}, tmp_path)
        assert (told.status, told.outputs) == ("done", {"ask": {"text": "read"}})
        assert (small.requests, large.requests) == (requests, 4)


def test_the_first_model_is_back_as_soon_as_its_network_is(tmp_path: Path) -> None:
    """Away for one turn: that one is the other's, and nothing more."""
    away = READ.replace("replies:", "replies:\n  - {when: {turn: 2}, fail: {status: 500}}")
    with ModelServer(away) as small, ModelServer(READ) as large:
        told = run(_plan(), {"small": small, "large": large}, tmp_path)
        assert told.asked() == ["small", "large", "small", "small"]
        assert (small.requests, large.requests) == (3 + 5, 1)


def test_the_next_call_of_the_agent_begins_with_the_first_model_again(tmp_path: Path) -> None:
    """What one call has found out is no other one's matter: somebody may have paid meanwhile."""
    with ModelServer(GONE) as small, ModelServer(READ) as large:
        told = run(_plan(steps=("one", "two")), {"small": small, "large": large}, tmp_path)
        assert (told.status, small.requests, large.requests) == ("done", 2, 8)


@pytest.mark.parametrize("script", [GONE, NARROW], ids=["quota", "window"])
def test_killed_anywhere_it_is_remembered_and_nothing_is_paid_twice(tmp_path: Path, script: str) -> None:
    """The failure on record teaches a resume the same: the model that is out is not asked once more."""
    whole = MemoryLog()
    with ModelServer(script) as small, ModelServer(READ) as large:
        told = run(_plan(), {"small": small, "large": large}, tmp_path, whole)
    for commit in whole.commits:
        begun = MemoryLog(whole.events[:commit])
        failed = any(isinstance(one, CallFailed) and one.final for one in begun.events)
        known = sum(isinstance(one, CallFinished) and one.what == "model" for one in begun.events)
        with ModelServer(script) as small, ModelServer(READ) as large:
            again = run(_plan(), {"small": small, "large": large}, tmp_path, begun)
            assert again.outputs == told.outputs
            assert (small.requests, large.requests) == (0 if failed else 1, 4 - known)


def _answers(journal: MemoryLog, name: str) -> list[Event]:
    return [one for one in journal.events if isinstance(one, CallFinished) and one.name == name]


def test_what_was_asked_before_anything_was_remembered_is_served(tmp_path: Path) -> None:
    """A journal of a darner that began with the first model at each turn: its quota was gone at the first only, it answered the rest."""
    one, other = MemoryLog(), MemoryLog()
    with ModelServer(GONE) as small, ModelServer(READ) as large:
        run(_plan(), {"small": small, "large": large}, tmp_path, one)
    with ModelServer(READ) as small, ModelServer(AWAY) as large:
        run(_plan(), {"small": small, "large": large}, tmp_path, other)
    first = _answers(one, "large")[0]
    before = one.events[: one.events.index(first) + 1]
    begun = [event for event in other.events if getattr(event, "name", "") == "page" or event in _answers(other, "small")[1:]]
    with ModelServer("replies: [{text: never}]") as small, ModelServer("replies: [{text: never}]") as large:
        told = run(_plan(), {"small": small, "large": large}, tmp_path, MemoryLog([*before, *begun]))
        assert (told.status, small.requests, large.requests) == ("done", 0, 0)
    assert told.outputs == {"ask": {"text": "read"}}


def test_a_model_that_is_out_is_asked_after_all_once_nobody_else_answers(tmp_path: Path) -> None:
    """Its quota was gone, now the other's network is: it is asked again before the run is given up, and pays off."""
    back = "replies: [{fail: {status: 402}, times: 1}, {when: {turn: 4}, answer: {text: back}}]"
    with ModelServer(back) as small, ModelServer(TURNS.format(extra="", last="fail: {status: 500}")) as large:
        told = run(_plan(), {"small": small, "large": large}, tmp_path)
        assert (told.status, told.outputs) == ("done", {"ask": {"text": "back"}})
        assert (small.requests, large.requests) == (2, 3 + 5)


def test_a_resume_tries_both_again_where_both_had_failed(tmp_path: Path) -> None:
    """The last turn failed with the other's network; resumed, the first has been paid for: the run isn't stuck with who is away."""
    journal = MemoryLog()
    gone, broken = "replies: [{fail: {status: 402}}]", TURNS.format(extra="", last="fail: {status: 500}")
    with ModelServer(gone) as small, ModelServer(broken) as large:
        assert run(_plan(), {"small": small, "large": large}, tmp_path, journal).status == "failed: network"
        assert small.requests == 2
    with ModelServer(READ) as small, ModelServer(AWAY) as large:
        told = run(_plan(), {"small": small, "large": large}, tmp_path, MemoryLog(journal.events))
        assert (told.status, small.requests, large.requests) == ("done", 1, 5)


def test_a_long_wait_that_the_limiter_knows_of_asks_the_next_model_too(tmp_path: Path) -> None:
    """An hour was asked for at the first turn: at the second the first model's turn is an hour away, and isn't waited for."""
    hour = "replies: [{fail: {status: 429, retry_after: 3600}}]"
    with ModelServer(hour) as small, ModelServer(READ) as large:
        told = run(_plan(), {"small": small, "large": large}, tmp_path)
        assert (told.status, small.requests, large.requests) == ("done", 1, 4)
        assert sum(told.waited) < 60


class Forgetful(Chain):
    """A broken variant: nobody is ever out."""

    def failed(self, name: str, failure: Failure) -> None:
        """Remember nothing."""


class Blind(Chain):
    """Another one: what is remembered counts more than what is on record."""

    def order(self, look: Callable[[str], OnRecord]) -> tuple[Sequence[str], Sequence[str]]:  # noqa: ARG002 - the seam's shape
        """Look at nothing."""
        return [name for name in self.names if name not in self._out], []


def _look(**known: OnRecord) -> Callable[[str], OnRecord]:
    return lambda name: known.get(name, NOT_ON_RECORD)


def test_the_record_is_followed_whatever_is_remembered() -> None:
    """Who answered then is served, who failed then fails again, and who stands before an answer that is there isn't asked."""
    served, failed = OnRecord(is_served=True, has_result=True), OnRecord(is_served=True)
    gone, away = Exhausted("no", type_name=QUOTA), Network("no")
    chain = Chain(("a", "b", "c"))
    chain.failed("b", away)
    assert chain.order(_look()) == (["a", "b", "c"], [])
    chain.failed("a", gone)
    assert chain.order(_look()) == (["b", "c"], ["a"])
    assert chain.order(_look(a=served)) == (["a", "b", "c"], [])
    assert chain.order(_look(a=failed, c=served)) == (["a", "c"], ["b"])
    assert chain.order(_look(c=served)) == (["c"], ["a", "b"])
    chain.failed("b", Exhausted("no", type_name=OVERFLOW))
    chain.shortened()
    assert chain.order(_look()) == (["b", "c"], ["a"])
    chain.answered("a")
    assert chain.order(_look()) == (["a", "b", "c"], [])
    forgetful, blind = Forgetful(("a", "b")), Blind(("a", "b"))
    for one in (forgetful, blind):
        one.failed("a", gone)
    assert forgetful.order(_look()) == (["a", "b"], []), "a quota that is gone would be asked at each turn"
    assert "a" not in blind.order(_look(a=served))[0], "what was paid would be paid again"
