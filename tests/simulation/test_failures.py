"""Plans of chance, failures of chance: whatever befalls a run, it ends, keeps what it has, and keeps to its bounds.

Days pass in milliseconds: the event loop's time is virtual, see `virtual`. `town` fails by script, call by call and attempt by
attempt, in all nine classes; `layouts` draws plans, `lives` crashes, answers, cancels, and takes up again what was parked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from darner.compiler.plan import Plan
from darner.runtime.events import CallFailed, StepFailed
from darner.runtime.failures import FAILURES
from darner.runtime.perform.flow import CRASH_LOOP

from . import invariants, town
from .layouts import HERE, TOOLS, Choice, Layout
from .lives import Fate, Story, end
from .town import FAULTS, Fault, Script, Town

HAS_AGENTS = find_spec("pydantic_ai") is not None

# Plans are drawn by seeds, which don't become simpler by becoming smaller.
PHASES = (Phase.explicit, Phase.generate)
QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None, phases=PHASES)
FEWER = settings(QUICK, max_examples=30)
"""Of runs that are told several times."""
LONG = settings(max_examples=3000, deadline=None, database=None, phases=PHASES, print_blob=True)
crashes = st.lists(st.tuples(st.integers(1, 14), st.booleans()), max_size=4).map(tuple)
seeds = st.integers(0, 2**32)
faults = st.sets(st.sampled_from(FAULTS)).map(lambda some: tuple(sorted(some)))
rates = st.sampled_from([0.0, 0.3, 0.8])


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Return a run to which anything may happen."""
    plan = Layout(random.Random(draw(seeds)), Choice(draw(st.integers(1, 6)), paid=draw(st.booleans()) and HAS_AGENTS)).plan()
    fate = Fate(draw(crashes), draw(st.sampled_from([0.0, 0.5, 1.0])), draw(st.sampled_from([None, None, 5.0, 700.0])), draw(seeds))
    return Story(plan, Town(draw(seeds), draw(rates), draw(faults), dear=draw(st.sampled_from([0.0, 0.0, 1.0]))), fate)


def ends_well(story: Story) -> None:
    """Tell a story, and check all that must be so of it."""
    invariants.holds(story, story.tell())


def test_a_run_whose_processes_are_killed_before_any_result_comes_to_the_same_end_once_somebody_resumes_it() -> None:
    """After four of them it is not gone on with by itself; nothing is lost by that."""
    plan = flow({"s": WORK, "t": {**WORK, "with": {"what": "$s"}}})
    killed = Fate(crashes=((1, False),) * 4)
    comes_to_one_end(plan, Town(1, rate=0.0, steady=True), [killed])
    given_up = Story(plan, Town(1, rate=0.0), killed).tell().finished
    assert given_up is not None
    assert given_up.error == CRASH_LOOP


@QUICK
@given(stories())
def test_whatever_befalls_a_run_it_ends_and_keeps_to_its_bounds(story: Story) -> None:
    """Done, failed, waiting or cancelled; no hang, no lost outcome, nothing left running, no bound exceeded."""
    ends_well(story)


@pytest.mark.soak
@LONG
@given(stories())
def test_the_same_many_times(story: Story) -> None:
    """Exhaustive."""
    ends_well(story)


@st.composite
def steady(draw: st.DrawFn) -> tuple[Plan, Town, list[Fate]]:
    """Return a run whose outcome depends on nothing but its plan and its failures, and fates for it."""
    plan = Layout(random.Random(draw(seeds)), Choice(draw(st.integers(1, 6)), steady=True, paid=draw(st.booleans()) and HAS_AGENTS)).plan()
    some = tuple(one for one in draw(faults) if one != "hangs")
    fates = draw(st.lists(st.builds(Fate, crashes=crashes, order=seeds), min_size=2, max_size=3))
    return plan, Town(draw(seeds), draw(rates), some, steady=True), fates


def comes_to_one_end(plan: Plan, around: Town, fates: list[Fate]) -> None:
    """Tell the same story in several ways."""
    ends = []
    for fate in (Fate(), *fates):
        story = Story(plan, Town(around.seed, around.rate, around.faults, steady=True), fate)
        state = story.tell()
        if state.finished is not None and state.finished.error == CRASH_LOOP:
            state = story.tell()  # killed four times before it had a result: somebody says that it is to be tried again
        invariants.holds(story, state)
        ends.append(end(state))
    assert all(one == ends[0] for one in ends), fates


@FEWER
@given(steady())
def test_a_run_taken_up_at_any_point_comes_to_the_same_end(drawn: tuple[Plan, Town, list[Fate]]) -> None:
    """In any order of completion, crashed at any commits, before or after they are durable."""
    comes_to_one_end(*drawn)


@pytest.mark.soak
@LONG
@given(steady())
def test_the_same_end_many_times(drawn: tuple[Plan, Town, list[Fate]]) -> None:
    """Exhaustive."""
    comes_to_one_end(*drawn)


@dataclass
class OneFault(Town):
    """A town in which every attempt of one function's fails alike."""

    fault: Fault = Fault("network")  # noqa: RUF009 - it is frozen

    def script(self, key: str) -> Script:  # noqa: ARG002 - whatever is called
        """Return that fault."""
        return Script(ever=self.fault)


def flow(steps: dict[str, Any], **more: Any) -> Plan:
    """Return a flow of some steps over the town's functions."""
    return Plan.model_validate({"plan": "one", "steps": steps, "outputs": None, "tools": TOOLS, **more})


WORK: dict[str, Any] = {"callable": f"{HERE}:work", "with": {"what": "w"}}


@pytest.mark.parametrize("kind", [one for one in FAILURES if one not in {"semantic", "throttled"}])
def test_attempts_are_counted_over_all_lives_of_a_call(kind: str) -> None:
    """A call that is parked between its attempts, or whose process dies there, has no more of them than any other.

    (It had: a server that said "in ten minutes" with each of its errors was asked for ever.)
    """
    plan = flow({"s": {**WORK, "on_failure": {kind: {"attempts": 4, "backoff": "1s..2s"}}}})
    for fate in (Fate(), Fate(crashes=((4, False), (3, True), (3, False)))):
        story = Story(plan, OneFault(1, fault=Fault(kind, 600.0)), fate)
        state = story.tell()
        assert state.finished is not None
        assert state.finished.status == "failed"
        tries = 1 if kind == "exhausted" else 4
        assert sum(isinstance(one, CallFailed) for one in story.events) == tries
        assert [one.failure for one in story.events if isinstance(one, StepFailed)] == [kind]


def test_waiting_for_a_limit_comes_to_an_end_too() -> None:
    """Ten minutes, and again, and again: as often as the language says, not for ever."""
    story = Story(flow({"s": WORK}), OneFault(1, fault=Fault("throttled", 600.0)))
    state = story.tell()
    assert sum(isinstance(one, CallFailed) for one in story.events) == 60
    assert [one.failure for one in story.events if isinstance(one, StepFailed)] == ["throttled"]
    assert state.waits.idle > 59 * 590


def test_a_step_that_failed_has_its_attempts_anew_when_it_is_taken_up_again() -> None:
    """Whoever resumes a failed run has mended something."""
    story = Story(flow({"s": {**WORK, "on_failure": {"network": {"attempts": 2}}}}), OneFault(1, fault=Fault("network", 1.0)))
    story.tell()
    assert sum(isinstance(one, CallFailed) for one in story.events) == 2
    story.live()
    assert sum(isinstance(one, CallFailed) for one in story.events) == 4


REMINDERS = 9
"""Of somebody who is reminded after each 90 of 900 seconds: with the tenth their time is up."""


def test_a_run_that_wakes_up_does_not_try_again_what_had_failed_for_good() -> None:
    """One branch has failed, the other waits for somebody who is reminded: no reminder pays for the failed one anew.

    (It did: each time that a parked run was taken up, all that had failed was tried again. Whoever mends something says `--redo`.)
    """
    humans = {"boss": {"ask": "What about {{ what }}?", "answer": "str", "timeout": "900s", "remind": "90s"}}
    steps = {"s": {**WORK, "on_failure": {"network": {"attempts": 2}}}, "t": {"human": "boss", "with": {"what": "it"}}}
    story = Story(flow(steps, humans=humans), OneFault(1, fault=Fault("network", 1.0)), Fate(answers=0.0))
    state = story.tell()
    assert story.ends.count("waiting") == 1 + REMINDERS
    assert sum(isinstance(one, CallFailed) for one in story.events) == 2
    assert state.finished is not None
    assert state.finished.status == "failed"
    story.live()
    assert sum(isinstance(one, CallFailed) for one in story.events) == 4


def test_a_write_that_failed_for_good_is_not_made_again_while_a_person_is_asked_about_it() -> None:
    """It may be repeated, so nobody doubts what became of it; its attempts are used up (each reminder made it anew)."""
    humans = {"boss": {"ask": "What now?", "answer": "str", "timeout": "900s", "remind": "90s"}}
    step = {**TRADE, "on_failure": {"crashed": {"attempts": 2, "backoff": "1s..1s", "ask": "boss"}}}
    story = Story(flow({"s": step}, humans=humans), OneFault(1, fault=Fault("crashed")), Fate(answers=0.0))
    story.tell()
    assert story.ends.count("waiting") == 1 + REMINDERS
    assert sum(isinstance(one, CallFailed) for one in story.events) == 2


TRADE: dict[str, Any] = {"callable": f"{HERE}:trade", "calls": ["sell"], "limits": {"calls": 9}, "with": {"what": "it"}}


@pytest.mark.parametrize("seconds", [town.HANGS, 15.0])
@pytest.mark.parametrize("who", ["an orchestrator", "a step"])
def test_a_write_that_has_begun_is_given_some_time_when_its_run_is_over_and_no_more(who: str, seconds: float) -> None:
    """Nothing is left running at the end, and the end comes: a write that hangs held it up, or was left behind."""
    step = TRADE if who == "an orchestrator" else {"tool": "sell", "with": {"what": "it"}}
    story = Story(flow({"s": step}, timeout="10s"), _Slow(1, seconds=seconds))
    state = story.tell()
    assert state.finished is not None
    assert state.finished.status == "failed"
    assert state.finished.error == "the run has used up its time: 10s since its start"
    assert 9.0 < state.finished.at - story.events[0].at < 36.0
    assert story.town.written.total() == (0 if seconds > 20 else 1)
    assert sum(one.kind == "call_finished" for one in story.events) == story.town.written.total()


def test_code_that_goes_on_whenever_it_is_cancelled_is_closed() -> None:
    """The run has ten seconds, and what is cancelled ten more.

    (Such code held its run for ever, and no signal ended its process.)
    """
    steps = {"s": {"callable": f"{HERE}:deaf"}, "t": WORK}
    for fate in (Fate(), Fate(cancelled=5.0)):
        story = Story(flow(steps, timeout="10s"), Town(1, rate=0.0), fate)
        state = story.tell()
        assert state.finished is not None
        assert state.finished.status == ("failed" if fate.cancelled is None else "cancelled")
        assert state.finished.at - story.events[0].at < 23.0
        assert "t" in state.steps


@dataclass
class _Slow(Town):
    seconds: float = 0.0

    def script(self, key: str) -> Script:  # noqa: ARG002 - whatever is called
        return Script(seconds=self.seconds)


@pytest.mark.parametrize("step", [WORK, {**TRADE, "callable": f"{HERE}:conduct", "calls": ["look", "sell", "boss"]}])
def test_what_only_reads_has_no_time_beyond_that_of_its_run(step: dict[str, Any]) -> None:
    """It would go on for an hour; nobody asks whether it happened, so it ends with the run."""
    humans = {"boss": {"ask": "What about {{ what }}?", "answer": "str"}}
    story = Story(flow({"s": {**step, "with": {"what": 3}}}, timeout="10s", humans=humans), _Slow(1, seconds=town.HANGS))
    state = story.tell()
    assert state.finished is not None
    assert state.finished.status == "failed"
    assert not invariants.writing(story.events, story.events[0].at + 10, state.finished.at)
    assert state.finished.at - story.events[0].at < 12.0
