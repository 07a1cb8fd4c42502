"""`darner fork`: a new run that begins with what another one had before a point."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

import pytest

from darner.compiler.plan import Plan
from darner.runtime import fork
from darner.runtime.events import CallStarted, Event, RunStarted, TakenUp
from darner.runtime.state import fold_for_views

from .desk import HERE, Desk


def test_a_fork_keeps_what_came_before_and_makes_its_writes_anew(desk: Desk) -> None:
    """Results before the step are copied and paid once; the write after it has a key of its own; the old run stays as it is."""
    assert desk.trip(["Oslo", "Rome"]) == 0
    told = desk.asked("fork", "r1", "--at", "booked", "--run", "r2")
    assert told == {"run": "r2", "forked": "r1", "at": "booked", "copied": 3}
    assert desk.asked("show", "r2")["status"] == "interrupted"
    assert desk("resume", "r2") == 0, desk.err
    assert desk.calls("price") == ["price Oslo", "price Rome"]
    first, second = desk.calls("book")
    assert first != second
    shown = desk.asked("show", "r2")
    assert (shown["status"], shown["forked"], shown["epochs"]) == ("done", "r1 at booked", 2)
    assert [one["calls"][0]["source"] for one in shown["steps"] if not one["items"]] == ["fork", "made", "made"]
    assert desk.asked("show", "r1")["forked"] is None


def test_a_fork_at_one_item_of_a_map_keeps_the_others(desk: Desk) -> None:
    """Item 1 is open with everything that depends on the map; items 0 and 2 are copied."""
    assert desk.trip(["Oslo", "Rome", "Bonn"]) == 0
    assert desk.asked("fork", "r1", "--at", "prices[1]", "--run", "r2")["copied"] == 3
    assert desk("resume", "r2") == 0, desk.err
    assert desk.calls("price") == ["price Oslo", "price Rome", "price Bonn", "price Rome"]
    assert len(desk.calls("book")) == 2


def test_a_failed_run_is_forked_with_all_that_it_paid_for(desk: Desk) -> None:
    """What failed is open in the fork; what was finished beside it is copied, at no cost."""
    assert desk.trip(["Oslo", "Rome?", "Bonn"]) == 1
    assert desk.asked("fork", "r1", "--at", "booked", "--run", "r2")["copied"] == 3
    (desk.folder / "calls.log.fixed").touch()
    assert desk("resume", "r2") == 0, desk.err
    assert sorted(desk.calls("price")) == ["price Bonn", "price Oslo", "price Rome?", "price Rome?"]


def test_a_fork_in_a_loop_keeps_earlier_rounds(desk: Desk) -> None:
    """`--at better/2`: round 1 is copied, rounds 2 and 3 are made again."""
    assert desk.rounds() == 0, desk.err
    assert desk("fork", "r1", "--at", "better/2", "--run", "r2") == 0, desk.err
    assert desk("resume", "r2", "--json") == 0, desk.err
    assert '"text": "123"' in desk.out
    assert desk.calls("improve") == ["improve 1", "improve 2", "improve 3", "improve 2", "improve 3"]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("prices[2]", "prices has no item 2 in this run: its items are 0 to 1"),
        ("prices[1]", None),
    ],
)
def test_a_fork_at_an_item_that_the_run_never_had_is_refused(desk: Desk, at: str, said: str | None) -> None:
    """It would copy everything, and leave nothing open."""
    assert desk.trip(["Oslo", "Rome"]) == 0
    assert desk("fork", "r1", "--at", at, "--run", "r2") == (0 if said is None else 2)
    assert said is None or said in desk.err


def test_a_fork_at_a_round_that_the_run_never_came_to_is_refused(desk: Desk) -> None:
    """A loop that ended in its third round has no fourth one."""
    assert desk.rounds() == 0, desk.err
    assert desk("fork", "r1", "--at", "better/4", "--run", "r2") == 2
    assert "better has no round 4 in this run: it came to round 3" in desk.err
    assert desk("fork", "r1", "--at", "better/3", "--run", "r2") == 0, desk.err


def test_what_was_done_anew_is_forked_as_it_was_done_last(desk: Desk) -> None:
    """After a --redo only the newest results count."""
    assert desk.trip(["Oslo"]) == 0
    assert desk("resume", "r1", "--redo", "prices") == 0
    assert desk.asked("fork", "r1", "--at", "offer", "--run", "r2")["copied"] == 3
    assert desk("resume", "r2") == 0
    assert (len(desk.calls("price")), len(desk.calls("book"))) == (2, 1)


def test_a_fork_of_a_new_plan_is_bound_to_the_spec_as_it_is_now(desk: Desk) -> None:
    """`--plan new` compiles the spec; results before the point are kept, whatever the code is now."""
    assert desk.trip(["Oslo"]) == 0
    assert desk.asked("fork", "r1", "--at", "offer", "--run", "r2", "--plan", "new")["copied"] == 3
    assert desk("resume", "r2") == 0, desk.err
    assert (len(desk.calls("price")), len(desk.calls("book"))) == (1, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "bookd"], "booked"),
        (["--at", "booked[1]"], "not mapped"),
        (["--at", "booked/2"], "no loop"),
        (["--at", "booked", "--run", "r1"], "already"),
        (["--at", "booked", "--run", "../x"], "can't be a run's id"),
    ],
)
def test_a_fork_that_makes_no_sense_is_refused(desk: Desk, words: list[str], said: str) -> None:
    """Exit 2, and nothing is written."""
    assert desk.trip(["Oslo"]) == 0
    assert desk("fork", "r1", *words) == 2
    assert said in desk.err
    assert [one.name for one in (desk.store / "runs").iterdir()] == ["r1"]


def test_a_fork_keeps_answers_and_neither_open_questions_nor_approvals(desk: Desk) -> None:
    """An answered question is never asked again; what waits for an answer, or was approved and is open now, is asked in the fork.

    Others deliver an answer to the wrong interrupt (langchain-ai/langgraph#6533), or never consume an approval
    (pydantic/pydantic-ai#5536).
    """
    given = ["--set", f"log={desk.log}", "-i", "traveller=ada"]
    assert desk("run", str(HERE / "asking.yaml"), *given, "--run", "r1") == 3, desk.err
    assert desk("answer", "r1", "Oslo", "--resume") == 3, desk.err
    assert desk("fork", "r1", "--at", "booked", "--run", "early") == 0, desk.err
    assert desk("answer", "r1", "approve", "--resume") == 0, desk.err
    assert desk("fork", "r1", "--at", "booked", "--run", "late") == 0, desk.err
    for run in ("early", "late"):
        assert desk("resume", run, "--json") == 3, desk.err
        [question] = json.loads(desk.out)["questions"]
        assert question["human"] == "chief"
        assert desk("answer", run, "approve", "--resume") == 0, desk.err
    assert len(set(desk.calls("book"))) == 3
    assert desk("fork", "r1", "--at", "offer", "--run", "last") == 0, desk.err
    assert desk("resume", "last") == 0, desk.err
    assert len(desk.calls("book")) == 3


def test_a_fork_that_copied_open_intents_would_be_caught() -> None:
    """The broken variant: a write's bare intent in the fork would make its write uncertain, and a read's changes nothing."""
    plan = Plan.model_validate({"plan": "p", "steps": {"a": {"callable": "m:a"}, "b": {"callable": "m:b"}}})
    started = {
        name: CallStarted(at=1.0, call=name, parent="a", what="tool", name=name, attempt=1, effects=effects) for name, effects in KINDS
    }
    events: list[Event] = [RunStarted(at=0.0, run="r", plan="p"), TakenUp(at=0.0, epoch=1, owner="o"), *started.values()]
    kept = fork.prefix(events, fold_for_views(events), fork.Point(plan, "b"))
    assert_no_intent(kept)
    with pytest.raises(AssertionError):
        assert_no_intent([*kept, started["writes"]])


KINDS: tuple[tuple[str, Literal["read", "write"]], ...] = (("reads", "read"), ("writes", "write"))


def assert_no_intent(events: Sequence[Event]) -> None:
    """Fail where a fork would begin with a write that nobody knows the end of."""
    assert not [call for call in fold_for_views(events).calls.values() if call.unsettled]
