"""What must be so of every run, whatever befell it: read from its journal and from the world outside."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from darner.compiler.plan import Plan
from darner.compiler.settings import REACTIONS, FailureClass, merge_reactions
from darner.runtime.engine import TICK
from darner.runtime.events import CallFailed, CallFinished, CallStarted, Event, RoundStarted, RunParked, StepFailed, TakenUp
from darner.runtime.retry import MAX_WAITS, TAKEN_AT_MOST
from darner.runtime.state import RunState, fold
from darner.runtime.stopping import CUT_WITHIN

from . import accounts
from .lives import Story, results
from .places import all_steps, written

SLACK = 1.5
"""Seconds that commits, and looks at the clock, take in these worlds."""
ENDS = frozenset({"done", "failed", "cancelled", "waiting", "crashed"})


def holds(story: Story, state: RunState) -> None:
    """Raise AssertionError where something is not as it must be."""
    for check in CHECKS:
        check(story, state)


def every_life_ends_well(story: Story, state: RunState) -> None:
    """A life that isn't cut off ends in done, failed, waiting or cancelled; the run in one that is for good."""
    assert set(story.ends) <= ENDS, story.ends
    assert state.finished is not None
    assert state.finished.status == story.ends[-1]


def no_outcome_is_lost(story: Story, state: RunState) -> None:
    """What the run knows is what its journal says; no call has two results; a run that is done has settled everything."""
    assert fold(story.events) == state, "what the run knows is not what its journal says"
    assert max(results(story.events).values(), default=1) == 1
    if story.ends[-1] == "done":
        ends = {name: state.outcome(name) for name in story.plan.steps}
        assert all(one is not None and one.kind != "failed" for one in ends.values()), ends


def a_failure_says_what_and_why(story: Story, state: RunState) -> None:
    """Class, type and message."""
    for one in story.events:
        if isinstance(one, StepFailed):
            assert one.failure in REACTIONS
            assert one.message
            assert one.type
    if story.ends[-1] == "failed":
        assert state.finished is not None
        assert state.finished.error


def writes_happen_once(story: Story, state: RunState) -> None:
    """A write that must not be repeated was done at most once a call; one that may be, always under the key of its call."""
    calls = {one.call for one in story.events if isinstance(one, CallStarted) and one.name == "pay"}
    assert story.town.written["pay"] <= len(calls)
    sold = {one.call for one in story.events if isinstance(one, CallStarted) and one.name == "sell"}
    assert len(set(story.town.written) - {"pay"}) <= len(sold)


_NO_ATTEMPTS: Mapping[FailureClass, int] = {"throttled": MAX_WAITS, "preempted": TAKEN_AT_MOST}


def attempts_are_bounded(story: Story, state: RunState) -> None:
    """Over all lives a call fails no more often than its classes' attempts say; waits and machines taken away are none.

    What used them up ends a count: a run whose process was killed after that tries anew.
    """
    rescued = {one.asked.parent for one in state.waits.questions.values() if one.asked.about == "rescue"}
    if rescued:
        return  # a person may have asked for more
    steps = dict(all_steps(story.plan.steps))
    for (call, _), failures in _failures(story.events).items():
        if call not in state.calls:
            continue  # of a round that is over, and forgotten
        path = state.calls[call].root
        step = steps.get(written(path))
        if step is None:
            continue
        reactions = merge_reactions(REACTIONS, step.on_failure)
        allowed = {kind: reactions[kind].attempts or _NO_ATTEMPTS.get(kind, 1) for kind in failures}
        counted = {kind: number for kind, number in failures.items() if kind not in _NO_ATTEMPTS}
        assert sum(counted.values()) <= max((allowed[kind] for kind in counted), default=0), (path, failures)
        assert all(failures.get(kind, 0) <= allowed.get(kind, 0) for kind in _NO_ATTEMPTS), (path, failures)


def _failures(events: list[Event]) -> Mapping[tuple[str, int], Counter[FailureClass]]:
    """Return failures by call, and by how often it had failed for good and its run was taken up before each."""
    found: defaultdict[tuple[str, int], Counter[FailureClass]] = defaultdict(Counter)
    counts: Counter[str] = Counter()
    for one in events:
        if isinstance(one, CallFailed):
            found[one.call, counts[one.call]][one.failure] += 1
            counts[one.call] += one.final
    return found


def no_attempt_outlasts_its_time(story: Story, state: RunState) -> None:
    """From an attempt's begin to its end, as the journal has them, no more than the step's time-out."""
    steps = dict(all_steps(story.plan.steps))
    began: dict[str, float] = {}
    for one in story.events:
        if isinstance(one, TakenUp):
            began.clear()
        elif isinstance(one, CallStarted) and one.what != "agent":
            began[one.call] = one.at
        elif isinstance(one, CallFailed | CallFinished) and one.call in began:
            root = state.calls[one.call].root if one.call in state.calls else ""
            step = steps.get(written(root))
            if step is not None and step.timeout is not None and not step.calls:
                assert one.at - began[one.call] <= step.timeout + SLACK, (root, one)


def a_flow_keeps_to_its_time(story: Story, state: RunState) -> None:
    """Counted from its start, without what it was parked for and what nobody had it for; but what a write has that had begun."""
    limits = [one for one in (story.plan.timeout, story.plan.budget.time if story.plan.budget else None) if one is not None]
    if not limits or state.started is None or state.finished is None:
        return
    over = state.finished.at - state.started.at - state.waits.idle - min(limits)
    until = state.finished.at - max(0.0, over)
    grace = CUT_WITHIN if writing(story.events, until, state.finished.at) else 0.0
    assert over <= TICK + SLACK * (1 + story.ends.count("crashed")) + grace, over


def writing(events: Sequence[Event], since: float, until: float) -> bool:
    """Return whether a write was under way at some time."""
    begun: dict[str, float] = {}
    for one in events:
        if isinstance(one, CallStarted) and one.effects == "write" and one.at <= since:
            begun[one.call] = one.at
        elif isinstance(one, CallFinished | CallFailed) and one.at <= since:
            begun.pop(one.call, None)
        elif isinstance(one, TakenUp) and one.at <= since:
            begun.clear()
    return bool(begun) and until > since


def orchestrators_keep_to_their_calls(story: Story, state: RunState) -> None:
    """Over all lives: a crash resets no limit."""
    for name, step in all_steps(story.plan.steps):
        if step.limits is None or step.limits.calls is None:
            continue
        made: Counter[str] = Counter(one.parent for one in state.calls.values() if one.what in {"tool", "agent", "human"})
        for parent, number in made.items():
            if written(parent) == name:
                assert number <= step.limits.calls, (parent, number)


def maps_keep_to_their_width(story: Story, state: RunState) -> None:
    """No more items at once than they say."""
    for name, step in all_steps(story.plan.steps):
        if step.map is not None and step.map.max_parallel is not None and not step.calls:
            own = name.rpartition("/")[2]
            assert story.town.most[own] <= step.map.max_parallel, own


def loops_keep_to_their_rounds(story: Story, state: RunState) -> None:
    """None goes round more often than it may."""
    steps = dict(all_steps(story.plan.steps))
    for one in story.events:
        if isinstance(one, RoundStarted):
            step = steps[written(one.step)]
            assert step.loop is not None
            assert one.round <= step.loop.max_rounds


def a_cancelled_run_ends(story: Story, state: RunState) -> None:
    """Once it is cancelled, nothing begins any more, a look later."""
    if story.fate.cancelled is None or state.finished is None or state.finished.status != "cancelled":
        return
    parked = [one.at for one in story.events if isinstance(one, RunParked)]
    last = max((one.at for one in story.events if isinstance(one, CallStarted)), default=0.0)
    assert last <= state.finished.at, (last, parked)


CHECKS: tuple[Callable[[Story, RunState], None], ...] = (
    every_life_ends_well,
    no_outcome_is_lost,
    a_failure_says_what_and_why,
    writes_happen_once,
    attempts_are_bounded,
    no_attempt_outlasts_its_time,
    a_flow_keeps_to_its_time,
    orchestrators_keep_to_their_calls,
    maps_keep_to_their_width,
    loops_keep_to_their_rounds,
    a_cancelled_run_ends,
    *accounts.CHECKS,
)


def plan_of(story: Story) -> Plan:
    """Return a story's plan."""
    return story.plan
