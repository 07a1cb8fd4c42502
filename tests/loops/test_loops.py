"""Loops: rounds expanded as they start, resumed from the last one, ended by `next`, by max_rounds or by a budget."""

from __future__ import annotations

from typing import Any

import pytest

from darner.compiler.plan import Plan, StepPlan
from darner.runtime import budget
from darner.runtime.events import CallFinished, CallStarted, Event, RoundStarted, StepFailed, StepSkipped, TakenUp
from darner.runtime.failures import CallableError, Exhausted
from darner.runtime.looping import Verdict
from darner.runtime.ports import Json
from darner.runtime.state import fold

from .rounds import Bench, loop


def step(**given: Any) -> StepPlan:
    runs = {"callable", "tool", "agent", "human", "loop"} & set(given)
    return StepPlan.model_validate({**({} if runs else {"callable": "shop:work"}), **given})


def flow(outputs: Any, /, **steps: StepPlan) -> Plan:
    told = {name: one.model_dump(by_alias=True) for name, one in steps.items()}
    return Plan.model_validate({"plan": "test", "steps": told, "outputs": outputs})


def plus(path: str, arguments: Json) -> Json:
    """Start with 0; anything else adds one to what it is given."""
    return 0 if path == "start" else (arguments or {}).get("x", 0) + 1


def until(limit: int) -> Any:
    def judge(_path: str, given: Json) -> Verdict:
        return Verdict("stop", f"done {given['got']}") if given["got"] >= limit else Verdict("continue", given["got"])

    return judge


COUNTING = {"with": {"state": "$state", "round": "$round", "got": "$add"}}


def counting(**given: Any) -> Plan:
    body = {"add": step(**{"with": {"x": "$state"}})}
    return flow("$go", start=step(), go=step(loop=loop(body, **{**COUNTING, **given})))


def test_a_loop_goes_round_until_its_next_says_stop() -> None:
    """Each round sees the state that the one before gave; outside, only the result is seen."""
    bench = Bench(plus, until(4))
    state = bench.run(counting())
    assert state.finished is not None
    assert (state.finished.status, state.finished.outputs) == ("done", "done 4")
    assert bench.performed == ["start", "go/1/add", "go/2/add", "go/3/add", "go/4/add"]
    started = [(one.round, one.value) for one in bench.log.events if isinstance(one, RoundStarted)]
    assert started == [(1, 0), (2, 1), (3, 2), (4, 3)]


def test_resumed_from_any_event_a_loop_does_again_no_round_that_was_over() -> None:
    """And comes to the same end."""
    bench = Bench(plus, until(5))
    bench.run(counting())
    events = list(bench.log.events)
    for length in range(len(events)):
        again = Bench(plus, until(5))
        state = again.run(counting(), events[:length])
        assert state.finished is not None
        assert state.finished.outputs == "done 5"
        rounds = [one.round for one in events[:length] if isinstance(one, RoundStarted)]
        assert all(int(path.split("/")[1]) >= max(rounds, default=1) for path in again.performed if path != "start")


def test_what_a_run_keeps_does_not_grow_with_its_rounds() -> None:
    """Only the last round is needed, so a loop may live for weeks."""

    def kept(rounds: int) -> int:
        state = Bench(plus, until(rounds)).run(counting(max_rounds=rounds + 1))
        return len(state.steps) + len(state.maps) + len(state.rounds.now) + len(state.rounds._members) + len(state.ledger._used)

    assert kept(50) == kept(3)


def test_calls_of_earlier_rounds_are_let_go_of_and_what_they_cost_is_not() -> None:
    """A loop's budget counts all its rounds; the journal keeps everything, and a state for showing does too."""
    events: list[Event] = [TakenUp(at=0.0, epoch=1, owner="x")]
    for number in range(1, 30):
        parent, call = f"go/{number}/add", f"c{number}"
        events.append(RoundStarted(at=0.0, step="go", round=number, value=number))
        events.append(CallStarted(at=0.0, call=call, parent=parent, what="model", name="m", attempt=1))
        events.append(CallFinished(at=0.0, call=call, parent=parent, what="model", name="m", value=1, input_tokens=10))
    state = fold(events)
    assert list(state.calls) == ["c29"]
    assert state.ledger.of("go").tokens == 290
    assert state.tokens == 290


def test_max_rounds_is_exhausted_with_the_last_state() -> None:
    """It can be looked at, and is on record."""
    bench = Bench(plus, until(99))
    state = bench.run(counting(max_rounds=3))
    failed = next(one for one in bench.log.events if isinstance(one, StepFailed))
    assert (failed.failure, failed.value) == ("exhausted", 3)
    assert "3 times, which is its max_rounds" in failed.message
    assert state.finished is not None
    assert state.finished.status == "failed"
    again = Bench(plus, until(3))
    assert again.run(counting(max_rounds=3), bench.log.events).steps["go"].kind == "done"
    assert again.performed == []


def test_bail_is_exhausted_with_its_reason_and_may_be_skipped() -> None:
    """As its policy says."""
    bench = Bench(plus, lambda _path, _given: Verdict("bail", "no use"))
    bench.run(counting())
    failed = next(one for one in bench.log.events if isinstance(one, StepFailed))
    assert (failed.failure, failed.type, failed.value) == ("exhausted", "Bail", 0)
    assert "no use" in failed.message
    body = {"add": step(**{"with": {"x": "$state"}})}
    plan = flow({"go": "$go"}, start=step(), go=step(loop=loop(body), on_failure={"exhausted": {"then": "skip"}}))
    skipping = Bench(plus, lambda _path, _given: Verdict("bail", "no use"))
    state = skipping.run(plan)
    assert state.finished is not None
    assert (state.finished.status, state.finished.outputs) == ("done", {"go": None})
    assert any(isinstance(one, StepSkipped) for one in skipping.log.events)


def test_a_failed_round_is_gone_on_with_after_the_fix() -> None:
    """The loop fails with its step's class; a resume begins with that step, in that round."""

    def broken(path: str, arguments: Json) -> Json:
        if path == "go/3/add":
            raise CallableError("out of order", type_name="Broken")
        return plus(path, arguments)

    bench = Bench(broken, until(5))
    state = bench.run(counting())
    assert state.steps["go"].failure == "error"
    assert "round 3: add: out of order" in state.steps["go"].reason
    fixed = Bench(plus, until(5))
    assert fixed.run(counting(), bench.log.events).steps["go"].payload.value == "done 5"
    assert fixed.performed == ["go/3/add", "go/4/add", "go/5/add"]


def test_a_loop_inside_a_loop_inside_a_map_has_rounds_of_its_own() -> None:
    """Paths nest; each item goes round for itself; inner loops see what is around them."""
    inner = loop({"add": step(**{"with": {"x": "$state", "item": "$item"}})}, state="$state", **{"with": {"got": "$add", "item": "$item"}})
    outer = loop({"inner": step(loop=inner)}, state="$item", **{"with": {"got": "$inner"}}, next="m:outer")
    plan = flow("$go", start=step(), go=step(loop=outer, map={"over": "$start"}))

    def perform(path: str, arguments: Json) -> Json:
        return [0, 10] if path == "start" else arguments["x"] + 1

    def judge(path: str, given: Json) -> Verdict:
        if path.endswith("inner"):
            return Verdict("stop" if given["got"] % 2 == 0 else "continue", given["got"])
        return Verdict("stop" if given["got"] % 10 == 6 else "continue", given["got"])

    bench = Bench(perform, judge)
    state = bench.run(plan)
    assert state.finished is not None
    assert state.finished.outputs == [6, 16]
    assert "go[1]/3/inner/2/add" in bench.performed
    events = list(bench.log.events)
    for length in range(0, len(events), 3):
        resumed = Bench(perform, judge).run(plan, events[:length])
        assert resumed.finished is not None
        assert resumed.finished.outputs == [6, 16]


def test_maps_tests_and_after_work_inside_and_a_skipped_step_is_null_for_next() -> None:
    """The body is a scope like a flow's own."""
    body = {
        "many": step(),
        "each": step(**{"with": {"x": "$one"}}, map={"over": "$many", "as": "one"}),
        "flag": step(),
        "odd": step(when={"flag": [True]}),
        "last": step(after=["odd", "before"]),
    }
    written = loop(body, **{"with": {"odd": "$odd", "each": "$each", "round": "$round"}})
    plan = flow("$go", start=step(), before=step(), go=step(loop=written))

    def perform(path: str, arguments: Json) -> Json:
        name = path.rpartition("/")[2].partition("[")[0]
        number = int(path.split("/")[1]) if "/" in path else 0
        return {"many": [1, 2], "flag": number % 2 == 1, "each": arguments and arguments["x"]}.get(name, name)

    told: list[Json] = []

    def judge(_path: str, given: Json) -> Verdict:
        told.append(given)
        return Verdict("stop" if given["round"] == 2 else "continue", given["round"])

    bench = Bench(perform, judge)
    bench.run(plan)
    assert told == [{"odd": "odd", "each": [1, 2], "round": 1}, {"odd": None, "each": [1, 2], "round": 2}]
    assert bench.performed.index("before") < bench.performed.index("go/1/last")


def test_a_loop_waits_for_what_its_body_reads_and_is_skipped_with_it() -> None:
    """Its body may read what is outside; that must be there before the first round."""
    body = {"add": step(**{"with": {"x": "$other"}}, when={"gate": [True]})}
    plan = flow({"go": "$go"}, gate=step(), start=step(), other=step(when={"gate": [True]}), go=step(loop=loop(body)))
    bench = Bench(lambda path, _given: False if path == "gate" else 0, until(1))
    state = bench.run(plan)
    assert state.steps["go"].reason == "other was skipped"
    assert not bench.judged


def test_a_budget_ends_a_loop_between_rounds_with_its_last_state() -> None:
    """Tokens, money and time of all rounds together."""
    plan = counting(budget={"tokens": 25})
    events: list[Event] = [TakenUp(at=0.0, epoch=1, owner="x"), RoundStarted(at=0.0, step="go", round=1, value=7)]
    events.append(CallFinished(at=0.0, call="c", parent="go/1/add", what="model", name="m", value=1, input_tokens=30))
    with pytest.raises(Exhausted, match=r"go has used up its budget\.tokens: 30 of 25") as caught:
        budget.check_round(plan, fold(events), "go", 0.0, 7)
    assert caught.value.last == 7
    assert [one.path for one in budget.bounds(plan, "go/4/add")] == ["go"]


def test_waiting_is_no_work() -> None:
    """A step's time doesn't run between two owners."""
    events: list[Event] = [TakenUp(at=0.0, epoch=1, owner="x")]
    for epoch, at in ((1, 0.0), (1, 4.0), (2, 1000.0), (2, 1003.0)):
        events.append(TakenUp(at=at, epoch=epoch, owner="x"))
        events.append(CallStarted(at=at, call=f"c{at}", parent="s", what="tool", name="t", attempt=1))
    assert fold(events).ledger.of("s").seconds == 7.0
