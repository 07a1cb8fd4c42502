"""Whatever the graph, the order and the crash: a run ends, and its outputs are the same."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from darner.compiler.plan import Lock, Plan, StepPlan
from darner.runtime.commits import GroupCommit
from darner.runtime.engine import Engine, Result
from darner.runtime.events import Event, TakenUp
from darner.runtime.failures import CallableError
from darner.runtime.keys import digest
from darner.runtime.ports import Json
from darner.runtime.state import RunState, fold
from darner.testing import MemoryLog, NoWaiting

from .plans import flow, step


@dataclass
class Chaos:
    """Performs steps in an order of chance: what a step gives depends on its path, callable and arguments alone."""

    seed: int
    failing: frozenset[str]
    started: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    async def __call__(self, path: str, step: StepPlan, arguments: Json) -> Result:
        """Yield to others some times, then give a value or fail."""
        self.started.append(path)
        for _ in range(self.chance.randrange(6)):
            await asyncio.sleep(0)
        if path in self.failing:
            raise CallableError(f"{path} fails")
        number = int(digest([path.partition("[")[0], step.callable, arguments])[:8], 16)
        return Result({"flag": number % 3 != 0, "list": list(range(number % 4)), "number": number})


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Return a flow of up to eight steps: each may read, test, wait for and be mapped over earlier ones."""
    steps: dict[str, StepPlan] = {}
    for number in range(draw(st.integers(1, 8))):
        names = list(steps)
        some = st.lists(st.sampled_from(names), max_size=2, unique=True) if names else st.just(list[str]())
        given: dict[str, Any] = {"with": {f"x{index}": f"${one}" for index, one in enumerate(draw(some))}, "after": draw(some)}
        plain = [name for name, one in steps.items() if one.map is None]
        if bool(plain) and draw(st.integers(0, 1)):
            given["when"] = {f"{draw(st.sampled_from(plain))}.flag": [draw(st.integers(0, 1)) == 1]}
        if bool(plain) and draw(st.integers(0, 3)) == 0:
            given["map"] = {"over": f"${draw(st.sampled_from(plain))}.list", "max_parallel": draw(st.sampled_from([None, 1, 2]))}
            given["with"]["item"] = "$item"
        if draw(st.integers(0, 5)) == 0:
            given["on_failure"] = {"error": {"then": "skip"}}
        steps[f"s{number}"] = step(callable=f"shop:work{draw(st.integers(0, 99))}", **given)
    return flow({name: f"${name}" for name in steps}, **steps)


def failing_of(draw: st.DataObject, plan: Plan) -> frozenset[str]:
    paths = [*plan.steps, *(f"{name}[{index}]" for name in plan.steps for index in range(3))]
    return frozenset(draw.draw(st.lists(st.sampled_from(paths), max_size=2)))


def run(plan: Plan, failing: frozenset[str], seed: int, events: list[Event]) -> tuple[RunState, MemoryLog]:
    """Go on with a run from some events to its end, and return its state and journal."""
    log = MemoryLog(events)

    async def drive() -> RunState:
        state = fold(log.read())
        commits = GroupCommit(log, state)
        commits.note(TakenUp(at=0.0, epoch=log.epoch, owner="test"))
        await Engine(plan, Lock(), None, {}, state, commits, Chaos(seed, failing), NoWaiting(), log.load).run()
        return state

    return asyncio.run(drive()), log


def end(state: RunState) -> tuple[Any, ...]:
    """Return what a run came to: its status, outputs, and how each step was settled."""
    assert state.finished is not None
    # The reason of a skip may name another of several skipped inputs.
    return state.finished.status, state.finished.outputs, {path: one.kind for path, one in state.steps.items()}


@settings(max_examples=60, deadline=None)
@given(plan=plans(), draw=st.data(), seeds=st.lists(st.integers(0, 10_000), min_size=2, max_size=3, unique=True))
def test_a_run_ends_and_the_order_of_completion_does_not_matter(plan: Plan, draw: st.DataObject, seeds: list[int]) -> None:
    """Any graph with maps, tests, skips and failures ends; in any order of completion it ends the same."""
    failing = failing_of(draw, plan)
    first, *others = [end(run(plan, failing, seed, [])[0]) for seed in seeds]
    assert all(other == first for other in others)


@settings(max_examples=25, deadline=None)
@given(plan=plans(), draw=st.data(), seed=st.integers(0, 10_000))
def test_a_crash_after_any_event_changes_nothing_about_the_end(plan: Plan, draw: st.DataObject, seed: int) -> None:
    """Taken up from any prefix of its journal, a run comes to the end that it would have come to."""
    failing = failing_of(draw, plan)
    undisturbed, log = run(plan, failing, seed, [])
    for length in range(len(log.events)):
        resumed, _ = run(plan, failing, seed + length, log.events[:length])
        assert end(resumed) == end(undisturbed)


@settings(max_examples=25, deadline=None)
@given(plan=plans(), draw=st.data(), seed=st.integers(0, 10_000))
def test_a_failed_run_goes_on_after_the_fix_and_keeps_what_was_done(plan: Plan, draw: st.DataObject, seed: int) -> None:
    """Without the failures, resuming gives what a run that never failed gives, and performs nothing twice."""
    failing = failing_of(draw, plan)
    settled_as_skipped = any(one.on_failure for one in plan.steps.values())
    before, log = run(plan, failing, seed, [])
    after, _ = run(plan, frozenset(), seed, log.events)
    if not settled_as_skipped:
        assert end(after) == end(run(plan, frozenset(), seed, [])[0])
    kept = {path for path, one in before.steps.items() if one.kind == "done"}
    assert kept <= {path for path, one in after.steps.items() if one.kind == "done"}


def test_a_state_is_what_its_journal_folds_to() -> None:
    """The state that a run worked on is exactly the fold of what it wrote."""
    plan = flow("$b", a=step(), b=step(map={"over": "$a.list"}, **{"with": "$item"}))
    state, log = run(plan, frozenset(), 1, [])
    assert fold(log.events) == state
