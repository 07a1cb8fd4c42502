"""What comes next is decided by rules alone: reads, tests, skips, maps, outputs."""

from __future__ import annotations

from typing import Any

import pytest

from darner.compiler.plan import Lock, Plan
from darner.runtime import decide as deciding
from darner.runtime import graph as graphs
from darner.runtime.decide import Command, Expand, Fail, Skip, Start, decide
from darner.runtime.events import CallFinished, CallStarted, Event, MapExpanded, RunFinished, StepFailed, StepFinished, StepSkipped, TakenUp
from darner.runtime.failures import CallableError, Refused
from darner.runtime.state import RunState, fold
from darner.runtime.wiring import resolve

from .plans import flow, step


def done(name: str, value: Any = None) -> StepFinished:
    return StepFinished(at=0.0, step=name, value=value)


def failed(name: str) -> StepFailed:
    return StepFailed(at=0.0, step=name, failure="error", type="ValueError", message="no")


def skipped(name: str) -> StepSkipped:
    return StepSkipped(at=0.0, step=name, reason="because")


def nothing(digest: str) -> Any:
    raise AssertionError(digest)


def next_of(plan: Plan, *events: Event, running: dict[str, set[int | None]] | None = None) -> list[Command]:
    state = fold(events)
    return decide(graphs.build(plan), state, running or {}, lambda name: state.value(name, nothing))


def test_steps_start_when_all_that_they_read_is_done_in_the_order_of_the_plan() -> None:
    """Independent steps start together; a reader waits for each that it reads."""
    plan = flow(c=step(**{"with": {"x": "$a.x", "y": ["$b"]}}), a=step(), b=step())
    assert next_of(plan) == [Start("a"), Start("b")]
    assert next_of(plan, done("a", {"x": 1})) == [Start("b")]
    assert next_of(plan, done("a", {"x": 1}), done("b", 2)) == [Start("c")]
    assert next_of(plan, running={"a": {None}, "b": {None}}) == []


def test_after_waits_until_a_step_is_done_or_skipped_and_not_when_it_failed() -> None:
    """`after` doesn't care how a step was settled; a failed step isn't settled: a resumed run tries it again."""
    plan = flow(a=step(), b=step(after=["a"]))
    assert next_of(plan, done("a")) == [Start("b")]
    assert next_of(plan, skipped("a")) == [Start("b")]
    assert next_of(plan, failed("a")) == []


def test_when_is_and_over_keys_and_or_over_lists() -> None:
    """Every key must hold; a list holds if one of its values does."""
    plan = flow(kind=step(), flags=step(), go=step(when={"kind": ["a", "b"], "flags.on": [True]}))
    assert next_of(plan, done("kind", "b"), done("flags", {"on": True})) == [Start("go")]
    assert next_of(plan, done("kind", "b"), done("flags", {"on": False})) == [Skip("go", "flags.on is false")]
    assert next_of(plan, done("kind", "c"), done("flags", {"on": True})) == [Skip("go", "kind is 'c'")]


def test_when_tells_true_from_one() -> None:
    """A spec's true is no 1, and its 1 no true."""
    plan = flow(flag=step(), go=step(when={"flag": [True]}))
    assert isinstance(next_of(plan, done("flag", 1))[0], Skip)
    assert next_of(plan, done("flag", True)) == [Start("go")]


def test_a_false_when_skips_at_once_whatever_is_still_open() -> None:
    """So the order in which others finish can't change what happens."""
    plan = flow(kind=step(), slow=step(), go=step(when={"kind": ["a"]}, **{"with": {"x": "$slow"}}))
    assert next_of(plan, done("kind", "b"), running={"slow": {None}}) == [Skip("go", "kind is 'b'")]


def test_a_skip_is_passed_on_to_whoever_reads_or_tests_what_was_skipped() -> None:
    """A value that isn't there can't be read; `after` alone passes nothing on."""
    plan = flow(a=step(), reads=step(**{"with": "$a.x"}), tests=step(when={"a": ["x"]}), waits=step(after=["a"]))
    assert next_of(plan, skipped("a")) == [Skip("reads", "a was skipped"), Skip("tests", "a was skipped"), Start("waits")]


def test_a_when_that_looks_at_nothing_fails_its_step_unless_another_key_skips_it() -> None:
    """A missing path is an error; but a false key comes first, whichever is known first."""
    plan = flow(a=step(), b=step(), go=step(when={"a.x.y": [1], "b": [True]}))
    assert next_of(plan, done("a", {"x": 3}), running={"b": {None}}) == []
    [fail] = next_of(plan, done("a", {"x": 3}), done("b", True))
    assert isinstance(fail, Fail)
    assert "no 'y' in $a.x" in fail.message
    assert next_of(plan, done("a", {"x": 3}), done("b", False)) == [Skip("go", "b is false")]


def test_a_map_is_expanded_once_and_keeps_to_max_parallel() -> None:
    """Its items start in order, so many at once; an item that is settled or under way isn't started again."""
    plan = flow(all=step(), each=step(map={"over": "$all", "max_parallel": 2}, **{"with": "$item"}))
    assert next_of(plan, done("all", [1, 2, 3, 4])) == [Expand("each")]
    expanded = (done("all", [1, 2, 3, 4]), MapExpanded(at=0.0, step="each", count=4))
    assert next_of(plan, *expanded) == [Start("each", 0), Start("each", 1)]
    assert next_of(plan, *expanded, done("each[1]"), running={"each": {0}}) == [Start("each", 2)]
    assert next_of(plan, *expanded, done("each[1]"), running={"each": {0, 2}}) == []
    assert next_of(plan, *expanded, done("each[3]"), done("each[0]")) == [Start("each", 1), Start("each", 2)]


def test_a_map_gives_its_results_in_the_order_of_its_input_without_skipped_items() -> None:
    """Whatever order they finish in; and an empty list is done at once."""
    events: list[Event] = [MapExpanded(at=0.0, step="each", count=3), done("each[2]", "c"), skipped("each[1]"), done("each[0]", "a")]
    state = fold(events)
    assert state.value("each", nothing) == ["a", "c"]
    empty = fold([MapExpanded(at=0.0, step="each", count=0)])
    assert empty.outcome("each") is not None
    assert empty.value("each", nothing) == []


def test_a_map_fails_once_all_its_items_are_settled() -> None:
    """Other items go on when one fails; then the map has failed, and says how many and why."""
    events: list[Event] = [MapExpanded(at=0.0, step="each", count=2), failed("each[0]")]
    assert fold(events).outcome("each") is None
    outcome = fold([*events, done("each[1]")]).outcome("each")
    assert outcome is not None
    assert (outcome.kind, outcome.reason) == ("failed", "1 of 2 items failed, the first with: no")


def test_being_taken_up_opens_again_what_failed_and_nothing_else() -> None:
    """Resume tries failed steps and items anew; what was paid for stays."""
    plan = flow(a=step(), b=step(), each=step(map={"over": "$a"}))
    history: list[Event] = [
        done("a", [1, 2]), failed("b"), MapExpanded(at=0.0, step="each", count=2), failed("each[0]"), done("each[1]"),
        RunFinished(at=0.0, status="failed", error="b"),
    ]  # fmt: skip
    assert next_of(plan, *history) == []
    again = [*history, TakenUp(at=0.0, epoch=2, owner="x")]
    assert next_of(plan, *again) == [Start("b"), Start("each", 0)]
    assert fold(again).finished is None


def test_redo_forgets_a_step_with_its_calls_and_the_outcomes_of_what_depends_on_it() -> None:
    """The step's own calls are made anew; calls of its dependants are served where they are equal."""
    plan = flow(a=step(), b=step(**{"with": "$a"}))
    calls = [CallStarted(at=0.0, call=f"{name}1", parent=name, what="callable", name="f", attempt=1) for name in ("a", "b")] + [
        CallFinished(at=0.0, call=f"{name}1", parent=name, what="callable", name="f", value=1) for name in ("a", "b")
    ]
    history = [*calls, done("a", 1), done("b", 1), RunFinished(at=0.0, status="done")]
    state = fold([*history, TakenUp(at=0.0, epoch=2, owner="x", redo=("a",), again=("b",))])
    assert list(state.calls) == ["b1"]
    assert not state.steps
    assert decide(graphs.build(plan), state, {}, nothing) == [Start("a")]


def outputs(written: Any, *events: Event) -> Any:
    state = fold(events)
    return deciding.outputs(written, state, lambda value: resolve(value, lambda name: state.value(name, nothing), {}))


def test_outputs_are_a_ref_a_mapping_with_nulls_or_the_first_unskipped() -> None:
    """As the language says: a skipped step gives null in a mapping, and is passed over in `first`."""
    events: list[Event] = [skipped("a"), done("b", {"x": [7]}), done("c", 3)]
    assert outputs("$b.x.0", *events) == 7
    assert outputs({"one": "$a", "two": "$b.x"}, *events) == {"one": None, "two": [7]}
    assert outputs({"first": ["$a.x", "$b", "$c"]}, *events) == {"x": [7]}
    assert outputs({"first": "$c"}, *events) == {"first": 3}


def test_values_follow_references_keep_escapes_and_take_parameters() -> None:
    """`$a.0.x` is followed, `$$` is a dollar, `${params.n}` stands inside texts."""
    values = {"a": [{"x": 1}], "params": {"n": 3}}
    written = {"one": "$a.0.x", "two": "$$a", "three": "n=${params.n}", "four": ["$params.n", 5, None]}
    assert resolve(written, values.__getitem__, {"n": 3}) == {"one": 1, "two": "$a", "three": "n=3", "four": [3, 5, None]}
    with pytest.raises(CallableError, match=r"\$a\.1\.x: there is no 1 in \$a, which is a list of 1"):
        resolve("$a.1.x", values.__getitem__, {})


@pytest.mark.parametrize(
    ("resources", "what"),
    [
        ({"gpu": {"type": "h100"}}, "a GPU"),
        ({"memory": "1Gi", "on_oom": [{"gpu": {"type": "h100"}}]}, "a GPU"),
        ({"image": "registry/x"}, "the image registry/x"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_plan_that_this_version_cannot_finish_is_refused_with_its_place(resources: Any, what: str, *, inside: bool) -> None:
    """Nothing is half-run: the step, inside a loop too, and its place are named before anything starts."""
    given = step(resources="big")
    loop = step(loop={"state": "$a", "steps": {"b": given.model_dump(by_alias=True)}, "next": "m:n", "max_rounds": 3})
    plan = flow(a=step(), **({"round": loop} if inside else {"b": given}))
    plan = Plan.model_validate({**plan.model_dump(by_alias=True), "resources": {"big": resources}})
    with pytest.raises(Refused, match=rf"spec\.yaml:7:3: the step b needs {what}") as caught:
        graphs.refuse_unsupported(plan, Lock(places={"b": "spec.yaml:7:3"}))
    assert caught.value.help == "nothing was started"


@pytest.mark.parametrize("runs", [{"callable": "m:f", "calls": ["t"]}, {"human": "h"}])
def test_resources_of_what_starts_no_process_are_refused(runs: Any) -> None:
    """They would promise what nobody enforces."""
    plan = Plan.model_validate({**flow(a=step(**runs, resources="big")).model_dump(by_alias=True), "resources": {"big": {"memory": "1Gi"}}})
    with pytest.raises(Refused, match=r"spec\.yaml:7:3: the step a starts no process of its own"):
        graphs.refuse_unsupported(plan, Lock(places={"a": "spec.yaml:7:3"}))


@pytest.mark.parametrize("caller", ["agent", "calls", "step"])
def test_a_person_who_could_not_be_asked_is_no_silent_wish(caller: str) -> None:
    """What an agent or Python code calls can't bring a failure before a person: refused, while a step of its own can."""
    tool = {"use": "m:f", "effects": "read", "on_failure": {"exhausted": {"ask": "boss"}}}
    agent = {"model": "m", "prompt": "p", "input": "m:I", "output": "str", "tools": ["look"] if caller == "agent" else []}
    steps = {"a": {"tool": "look"} if caller == "step" else {"callable": "m:f", "calls": ["look"] if caller == "calls" else []}}
    plan = Plan.model_validate({"plan": "p", "tools": {"look": tool}, "agents": {"asker": agent}, "steps": steps})
    if caller == "step":
        graphs.refuse_unsupported(plan, Lock())
        return
    with pytest.raises(Refused, match="look wants a person asked when it fails, and is called by agents or through `calls`"):
        graphs.refuse_unsupported(plan, Lock())


def test_a_state_is_the_same_however_it_was_folded() -> None:
    """Folding all at once and one by one gives one state: a snapshot can only be a shortcut."""
    events: list[Event] = [MapExpanded(at=0.0, step="m", count=2), done("m[1]", 1), failed("m[0]"), TakenUp(at=0.0, epoch=2, owner="x")]
    state = RunState()
    for event in events:
        state.apply(event)
    assert state == fold(events)
