"""Broken engines, one guarantee each, and whether the properties see it: within the examples that are tried every time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings

from darner.compiler.plan import Plan
from darner.runtime.amounts import Estimate
from darner.runtime.commits import GroupCommit
from darner.runtime.events import CallFailed, Event, StepFailed
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.recording import Recording
from darner.runtime.ports import CallRequest, Outcome, Permit, Usage
from darner.runtime.reservations import Reservations
from darner.runtime.state import RunState, fold
from darner.testing import MemoryLog

from . import accounts, invariants
from .layouts import HERE, Choice, Layout
from .lives import Fate, HeardLog, Story
from .test_failures import QUICK, WORK, OneFault, ends_well, flow, stories
from .town import Fault, Town
from .virtual import Stuck, VirtualClock, VirtualLoop

Change = Callable[[Story], Story]


class LosesTheLast(HeardLog):
    """Says that a commit is durable, and has lost its last event where there were several."""

    def begin(self, events: Sequence[Event]) -> None:
        """Take a commit, so to say."""
        super().begin(events[:-1] if len(events) > 1 else events)


class Oversleeps(VirtualClock):
    """Never wakes who waits for long."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await (asyncio.Event().wait() if seconds > 0.5 else asyncio.sleep(seconds))


def from_nought(events: Iterable[Event]) -> RunState:
    """Count the attempts of each life anew: failures before it are forgotten."""
    return fold(one for one in events if not isinstance(one, CallFailed) or one.final)


@dataclass
class LivesOn(Town):
    """What is begun here goes on when whoever waits for it is cancelled."""

    async def attempt(self, name: str, given: Any, written: str = "") -> Any:
        """Make one attempt."""
        return await asyncio.shield(asyncio.ensure_future(super().attempt(name, given, written)))


def outlives(story: Story) -> Story:
    """Put a town into a story in which nothing can be cancelled."""
    town = story.town
    return replace(story, town=LivesOn(town.seed, town.rate, town.faults, town.steady, town.dear))


def raised(by: int, *names: str) -> Callable[[Plan], Plan]:
    """Return what gives the engine a plan whose bounds of some names are higher than they are written."""

    def higher(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: _more(one, by) if key in names and isinstance(one, int | str) else higher(one) for key, one in value.items()}
        return [higher(one) for one in value] if isinstance(value, list) else value

    return lambda plan: Plan.model_validate(higher(plan.model_dump(by_alias=True, mode="json")))


def _more(value: Any, by: int) -> Any:
    return value + by if isinstance(value, int) else f"{float(str(value).partition(' ')[0]) + by:.2f} USD"


SLOW = ("a waiter who is never woken", "a parallel item too many", "an attempt too many")
"""What takes long to be caught; fixed examples below are quicker."""
BROKEN: dict[str, tuple[Change, str]] = {
    "a lost outcome": (lambda story: replace(story, keeps=LosesTheLast), "not what its journal says"),
    SLOW[0]: (lambda story: replace(story, clock=Oversleeps), "nothing has happened"),
    SLOW[1]: (lambda story: replace(story, runs=raised(1, "max_parallel")), "^s"),
    SLOW[2]: (lambda story: replace(story, runs=raised(1, "attempts")), "Counter"),
    "attempts from 0 after a resume": (lambda story: replace(story, takes_up=from_nought), "not what its journal says"),
    "a child that outlives its branch": (outlives, "still under way"),
}


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.soak] if one in SLOW else []) for one in BROKEN])
def test_a_broken_engine_is_caught_by_the_examples_that_are_tried_every_time(name: str) -> None:
    """The same plans, failures and fates, and an engine that is wrong in one thing."""
    change, told = BROKEN[name]

    @settings(QUICK, report_multiple_bugs=False)
    @given(stories())
    def tell(story: Story) -> None:
        ends_well(change(story))

    with pytest.raises(AssertionError, match=told):
        tell()


def _calls() -> Story:
    step = {"callable": f"{HERE}:trade", "calls": ["sell"], "limits": {"calls": 2}, "with": {"what": "it", "times": 9}}
    return Story(flow({"s": step}), Town(1, rate=0.0))


def _parallel() -> Story:
    step = {**WORK, "map": {"over": "$inputs", "max_parallel": 2}, "with": {"what": "s", "more": "$item"}}
    return Story(flow({"s": step}), Town(3, rate=0.0), inputs=list(range(9)))


def _rounds() -> Story:
    loop = {"state": "$s", "steps": {"sx0": WORK}, "next": f"{HERE}:again", "with": {"state": "$state"}, "max_rounds": 2}
    return Story(flow({"s": WORK, "t": {"loop": loop}}), Town(1, rate=0.0))


def _asked(**bounds: Any) -> Story:
    """Return a run in which nine agents are asked at once, for whom there is not enough; twice it crashes in the middle."""
    pytest.importorskip("pydantic_ai")
    layout = Layout(random.Random(1), Choice(paid=True))
    step = {"agent": "clerk", "map": {"over": "$inputs"}, "with": {"what": ["s", "$item"]}}
    given: dict[str, Any] = {**layout.agents(), **bounds}
    for agent in given["agents"].values():
        agent["limits"] = {"turns": 9}
    return Story(flow({"s": step}, **given), Town(1, rate=0.0), Fate(crashes=((3, False), (4, True))), inputs=list(range(9)))


BOUNDS: dict[str, tuple[Callable[[], Story], Callable[[Plan], Plan], Callable[[Story, RunState], None]]] = {
    "calls": (_calls, raised(1, "calls"), invariants.orchestrators_keep_to_their_calls),
    "items at once": (_parallel, raised(1, "max_parallel"), invariants.maps_keep_to_their_width),
    "rounds": (_rounds, raised(1, "max_rounds"), invariants.loops_keep_to_their_rounds),
    "tokens": (lambda: _asked(budget={"tokens": 700}), raised(100, "tokens"), accounts.no_bound_is_exceeded),
    "money": (lambda: _asked(budget={"cost": "0.90 USD"}), raised(1, "cost"), accounts.no_bound_is_exceeded),
    "money of the policy": (lambda: _asked(policy={"max_cost": "0.90 USD"}), raised(1, "max_cost"), accounts.no_bound_is_exceeded),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_that_is_exceeded_by_one_is_caught(name: str) -> None:
    """By one call, one round, one request: of the plans of chance hardly any come that near, so these are drawn by hand."""
    story, broken, check = BOUNDS[name]
    right = story()
    state = right.tell()
    invariants.holds(right, state)
    assert name == "items at once" or any(isinstance(one, StepFailed) and one.failure == "exhausted" for one in right.events)
    wrong = replace(story(), runs=broken)
    state = wrong.tell()
    with pytest.raises(AssertionError):
        check(wrong, state)


@pytest.mark.parametrize("kind", ["killed", "parked"])
def test_attempts_that_begin_at_nought_in_each_life_are_caught_by_their_number(kind: str) -> None:
    """Even where nobody compares states: a call with four attempts fails more often than that over its lives."""
    step = {**WORK, "on_failure": {"network": {"attempts": 4, "backoff": "1s..2s"}}}
    fate = Fate(crashes=((4, False), (3, True), (3, False))) if kind == "killed" else Fate()
    for takes_up, is_right in ((fold, True), (from_nought, False)):
        story, state = Story(flow({"s": step}), OneFault(1, fault=Fault("network", 600.0)), fate, takes_up=takes_up), None
        for _ in range(9):
            state = story.live()
            story.now += 700.0
            if state is not None and state.finished is not None:
                break
        assert state is not None
        if is_right:
            invariants.attempts_are_bounded(story, state)
        else:
            with pytest.raises(AssertionError):
                invariants.attempts_are_bounded(story, state)


class NeverGivesBack(Reservations):
    """Wakes nobody who waits for money when a request is over."""

    async def change(self) -> None:
        """Wait."""
        await asyncio.Event().wait()


@pytest.mark.parametrize(("kind", "is_woken"), [(Reservations, True), (NeverGivesBack, False)])
def test_who_waits_for_money_is_woken(kind: type[Reservations], *, is_woken: bool) -> None:
    """Nine requests at once, where there is enough for two at a time: all are made. The variant hangs, and that is seen."""
    plan, state, log = Plan.model_validate({"plan": "p", "budget": {"tokens": 4000}}), RunState(), MemoryLog()
    loop = VirtualLoop()
    loop.patience = 1000.0

    async def body(_permit: Permit) -> Outcome:
        await asyncio.sleep(5)
        return Outcome("answer", Usage(1, 60, 40))

    async def ask() -> None:
        commits = GroupCommit(log, state)
        boundary = JournaledBoundary(Recording("r", plan, state, commits, VirtualClock(), lambda: 1.0, log.load, reservations=kind()))
        asked = [CallRequest(parent="s", kind="model", name="m", arguments=one, need=Estimate("m", 60, 1000, 900)) for one in range(9)]
        await asyncio.gather(*(boundary.call(one, body) for one in asked))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        if is_woken:
            runner.run(ask())
            assert state.tokens == 900
        else:
            with pytest.raises(Stuck):
                runner.run(ask())
