"""The attempt ledger says what the counting server and its script say: every failed attempt, its class, its wait, its cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from darner.runtime.events import (
    AnswerRefused,
    CallFailed,
    CallFinished,
    CallStarted,
    Event,
    LetGo,
    QuestionAsked,
    QuestionClosed,
    RunFinished,
    RunStarted,
    StepFailed,
    TakenUp,
)
from darner.runtime.failed import sentence
from darner.runtime.ledger import week_of
from darner.runtime.state import RunState, fold, fold_for_views
from darner.testing import ModelServer

from ..births import told_by
from ..hurried import Hurried
from . import dying
from .selling import given, plan, priced, sold

HERE = "tests.money.selling"
TROUBLE = """
replies:
  - {fail: {status: 429, retry_after: 3}, times: 2}
  - {fail: {status: 500}, times: 1}
  - {text: LOUD, usage: {input: 100, output: 10}, times: 2}
  - {fail: {broken: reset}, times: 1}
  - {text: fine, usage: {input: 200, output: 20}}
"""


def test_every_attempt_is_in_the_ledger_with_what_it_cost(tmp_path: Path) -> None:
    """Retries of three classes: seven requests, of which six failed; tokens and money add up exactly."""
    clock = Hurried()
    with ModelServer(TROUBLE) as server:
        state = sold(plan(server, check=f"{HERE}:no_shouting"), tmp_path, clock)
        used = given(server)
        assert server.requests == 7
    assert state.finished is not None
    assert state.finished.status == "done"
    assert (state.cost, state.tokens) == (priced(used), sum(map(sum, used)))
    by_class = state.attempts.by_class()
    assert {failure: (one.attempts, one.calls) for failure, one in by_class.items()} == {
        "semantic": (2, 2), "throttled": (2, 1), "network": (2, 2),
    }  # fmt: skip
    assert (by_class["semantic"].tokens, by_class["semantic"].cost) == (220, Decimal("0.0008"))
    assert sum(one.waited for one in by_class.values()) == pytest.approx(sum(clock.waited))
    assert by_class["throttled"].waited >= 6
    told = sentence(by_class)
    assert told is not None
    assert told.startswith("failed attempts: 6 (2 network, 2 semantic, 2 throttled), which cost 220 tokens, 0.0008 USD, ")


def test_a_broken_stream_counts_with_what_its_provider_had_said(tmp_path: Path) -> None:
    """Where it said nothing of usage before it broke off, nothing is made up: the attempt is there, its cost is not."""
    script = "replies:\n  - {fail: {broken: truncated}, times: 2}\n  - {text: fine, usage: {input: 200, output: 20}}\n"
    with ModelServer(script) as server:
        state = sold(plan(server, params={"stream": True}), tmp_path)
    assert {failure: (one.attempts, one.cost) for failure, one in state.attempts.by_class().items()} == {"network": (2, Decimal(0))}
    assert state.cost == Decimal("0.0008")


def at(seconds: float) -> dict[str, Any]:
    return {"at": 1_800_000_000.0 + seconds}


def begun(call: str, seconds: float, **changes: Any) -> CallStarted:
    return CallStarted(**{**at(seconds), "call": call, "parent": "s", "what": "model", "name": "m", "attempt": 1, **changes})


UP = TakenUp(**at(0), epoch=1, owner="x")
AGAIN = TakenUp(**at(50), epoch=2, owner="y")


def seen(*events: Event) -> RunState:
    return fold_for_views([UP, *events])


@pytest.mark.parametrize(
    ("left", "failure", "seconds"), [((), "crashed", 0.0), ((LetGo(**at(7), epoch=1),), "preempted", 6.0)], ids=["killed", "told to stop"]
)
def test_an_attempt_that_nobody_saw_the_end_of_is_there_and_its_cost_unknown(left: tuple[Event, ...], failure: Any, seconds: float) -> None:
    """Killed or told to stop in the middle of a request: what its provider bills, nobody has said."""
    state = seen(begun("c", 1.0), *left, AGAIN)
    [one] = state.attempts.attempts or []
    assert (one.failure, one.seconds, one.is_known, one.cost) == (failure, seconds, False, Decimal(0))
    assert state.attempts.by_class()[one.failure].unknown == 1


def test_what_is_cut_off_with_its_agent_fails_with_it_and_is_counted_once() -> None:
    """An agent's time is over while its model answers: the request is cut off; the agent itself costs nothing beside it."""
    agent = begun("a", 1.0, what="agent", name="seller")
    over = CallFailed(
        **at(9), call="a", parent="s", name="seller", attempt=1, failure="exhausted", type="Exhausted", message="late", final=True
    )
    state = seen(agent, begun("c", 2.0, parent="a"), over)
    told = state.attempts.by_class()["exhausted"]
    assert (told.attempts, told.seconds, told.unknown) == (1, 7.0, 1)


@pytest.mark.parametrize("about", ["run", "step", "agent"])
def test_a_wait_that_ends_with_what_is_around_it_counts_for_what_has_passed(about: str) -> None:
    """A time-out of six seconds ends a wait of twenty: two of them were waited, in the sums and in the list."""
    put_off = CallFailed(
        **at(4), call="c", parent="a", name="m", attempt=1, failure="throttled", type="Throttled", message="later", wait=20.0
    )
    over: dict[str, Event] = {
        "run": RunFinished(**at(6), status="failed", error="late"),
        "step": StepFailed(**at(6), step="s", failure="network", type="TimeoutError", message="late"),
        "agent": CallFailed(
            **at(6), call="a", parent="s", name="seller", attempt=1, failure="exhausted", type="E", message="x", final=True
        ),
    }
    before: list[Event] = [begun("a", 1.0, what="agent", name="seller"), begun("c", 2.0, parent="a"), put_off]
    for end in (over[about], RunFinished(**at(60), status="failed", error="late")):
        state = seen(*before, over[about], end)
        assert state.attempts.by_class()["throttled"].waited == 2.0
        assert [one.wait for one in state.attempts.attempts or [] if one.failure == "throttled"] == [2.0]
    assert seen(*before).attempts.by_class()["throttled"].waited == 20.0


def test_an_answer_is_refused_once_however_often_that_is_said() -> None:
    """On replay an answer that was refused before is not refused anew."""
    answer = CallFinished(
        **at(3), call="c", parent="s", what="model", name="m", value=1, input_tokens=100, output_tokens=10, cost=Decimal("0.5"), seconds=2
    )
    refused = AnswerRefused(**at(4), call="c", message="too loud")
    state = seen(begun("c", 1.0), answer, refused, refused)
    told = state.attempts.by_class()["semantic"]
    assert (told.attempts, told.tokens, told.cost, told.seconds) == (1, 110, Decimal("0.5"), 2.0)
    assert state.cost == Decimal("0.5")


def test_a_person_who_is_asked_about_a_failure_is_a_question_and_their_time_a_wait() -> None:
    """In the class of what had failed; questions of the flow itself are none."""
    asked: dict[str, Any] = {"parent": "s", "human": "boss", "text": "?"}
    rescue = QuestionAsked(**at(5), call="r", question="q1", about="rescue", shown={"failure": "semantic"}, **asked)
    own = QuestionAsked(**at(5), call="h", question="q2", about="question", **asked)
    closed = [QuestionClosed(**at(65), call=call, question=name, by="answer") for call, name in (("r", "q1"), ("h", "q2"))]
    assert {failure: (one.questions, one.waited) for failure, one in seen(rescue, own, *closed).attempts.by_class().items()} == {
        "semantic": (1, 60.0)
    }


def test_a_step_that_fails_without_a_call_is_there_too() -> None:
    """A limit was reached: no attempt failed, and the ledger names the step."""
    state = seen(StepFailed(**at(5), step="s", failure="exhausted", type="Exhausted", message="used up", calls=()))
    [one] = state.attempts.attempts or []
    assert (one.what, one.failure, one.cause, one.final) == ("step", "exhausted", "used up", True)
    assert state.attempts.by_class()["exhausted"].attempts == 0


def test_what_was_copied_into_a_fork_is_on_the_other_runs_account() -> None:
    """A fork begins with no failures and no cost of its own."""
    failed = CallFailed(**at(2), call="c", parent="s", name="m", attempt=1, failure="network", type="N", message="n", final=True)
    state = fold([RunStarted(**at(0), run="f", plan="p", forked="r at s"), begun("c", 1.0), failed, UP])
    assert state.attempts.by_class() == {}


def test_weeks_are_those_of_the_calendar_in_utc() -> None:
    """The last days of a year may belong to the first week of the next one."""
    assert week_of(0.0) == "1970-W01"
    assert week_of(1_798_675_200.0) == "2026-W53"
    assert week_of(1_767_052_800.0) == "2026-W01"


def killed(module: ModuleType, folder: Path, *commits: str) -> None:
    """Kill a run at commits, resume it, and compare what its journal says with what the server gave."""
    undisturbed, *others = told_by(module.__name__, str(folder), *commits)
    assert undisturbed["status"] == "done"
    assert undisturbed["journal"] == undisturbed["server"]
    assert undisturbed["classes"] == {"throttled": 2, "network": 2, "semantic": 2}
    assert any(one["killed"] for one in others)
    for one in others:
        if one["killed"]:
            assert one["status"] == "done"
            # What was given and never made durable is lost with the process; nothing else is, and nothing is counted twice.
            lost = {name: one["server_then"][name] - one["journal_then"][name] for name in one["server_then"]}
            found = {name: one["server"][name] - one["journal"][name] for name in one["server"]}
            assert found == lost, one
            assert one["before"] or not any(lost.values()), one


def test_killed_and_resumed_nothing_is_lost_and_nothing_counted_twice(tmp_path: Path) -> None:
    """At one commit in the middle, after and before it was written: requests, tokens and money are the server's, exactly."""
    killed(dying, tmp_path, "3")


@pytest.mark.soak
def test_killed_at_every_commit_nothing_is_lost_and_nothing_counted_twice(tmp_path: Path) -> None:
    """At each commit in turn, after and before it was written."""
    killed(dying, tmp_path)
