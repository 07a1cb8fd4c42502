"""The limiter's arithmetic, on a clock that the tests move."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darner.compiler.quantities import RateLimit, parse_rate
from darner.compiler.settings import ModelRate
from darner.runtime import limiter
from darner.runtime.limiter import FAR, Limits, Over

NONE = ModelRate()


def rate(**given: object) -> ModelRate:
    return ModelRate.model_validate(given)


def begun(declared: ModelRate, seconds: float, *, runs: int = 1, lag: float = 0.0, start: Limits | None = None) -> list[tuple[float, int]]:
    """Return when runs that always want more begin requests, each ``lag`` seconds late, and whose each is."""
    limits = start or Limits()
    found: list[tuple[float, int]] = []
    due: list[tuple[float, int]] = []
    now = limits.seen
    for run in range(runs):
        limits, slot = limiter.take(limits, now, declared, str(run))
        due.append((slot.at, run))
    end = now + seconds
    while True:
        at, run = min(due)
        if at >= end:
            return found
        due.remove((at, run))
        found.append((at, run))
        limits, slot = limiter.take(limits, at + lag, declared, str(run))
        due.append((max(slot.at, at + lag), run))


@pytest.mark.parametrize(
    ("written", "seconds"), [("6000/min", 60), ("100/s", 1), ("5/s", 1), ("7/min", 60), ("1/min", 60), ("300/min", 60)]
)
@pytest.mark.parametrize("lag", [0.0, 0.003])
def test_no_window_sees_more_than_its_rate_and_all_of_it_is_used(written: str, seconds: float, lag: float) -> None:
    """Whatever window of the rate's length is looked at, from any moment: at most its amount, and at least 95 % of it."""
    amount = parse_rate(written).amount
    times = [at for at, _ in begun(rate(requests=written), 2 * seconds, lag=lag)]
    most = max(bisect_left(times, begin + seconds - 1e-9) - index for index, begin in enumerate(times))
    assert most <= amount
    assert len(times) / 2 >= 0.95 * amount


def test_a_long_rate_may_be_used_at_once() -> None:
    """A thousand a day: who has used none of them waits for nobody."""
    times = [at for at, _ in begun(rate(requests="100/h"), 60)]
    assert len(times) == 101


@given(runs=st.integers(2, 8), late=st.integers(1, 50))
def test_a_run_with_a_thousand_calls_waiting_takes_no_turn_from_one_with_one(runs: int, late: int) -> None:
    """Each run has one time ahead: whoever comes waits for one call of each other run, not for all that they want."""
    declared = rate(requests="60/min")
    limits = Limits()
    busy = []
    for call in range(2 * runs):
        limits, slot = limiter.take(limits, 0.0, declared, f"busy {call % runs}")
        busy.append(slot.at)
    arrives = max(busy) - 1e-6 - late / 100
    limits, slot = limiter.take(limits, arrives, declared, "one call")
    assert slot.at <= arrives + (runs + 2) * 1.0


def test_all_runs_have_their_turn_equally_often() -> None:
    """Ten runs, however long each has waited: none has more than one turn ahead of another."""
    counts = [0] * 10
    for _, run in begun(rate(requests="600/min"), 60, runs=10):
        counts[run] += 1
    assert max(counts) - min(counts) <= 12, "what may be used at once at the beginning is whoever comes first's"
    assert min(counts) > 50


def test_a_pause_is_kept_by_everybody_and_voids_the_times_that_were_given() -> None:
    """The provider said later: whoever has a time before that asks again, and nothing of the pause is made up for at once."""
    declared = rate(requests="60/min")
    limits, first = limiter.take(Limits(), 0.0, declared, "one")
    limits, second = limiter.take(limits, 0.0, declared, "two")
    limits = limiter.refused(limits, 0.1, declared, began=first.at, wait=5.0)
    assert limiter.is_void(limits, second)
    limits, again = limiter.take(limits, second.at, declared, "two")
    assert again.at == pytest.approx(5.1)
    assert not limiter.is_void(limits, again)


def test_a_time_far_ahead_is_kept_for_a_run_that_is_parked_meanwhile() -> None:
    """It is given once, told to whoever asks for that run again, and used when its time has come: nobody waits twice."""
    declared = rate(requests="1/h")
    limits, first = limiter.take(Limits(), 0.0, declared, "one")
    limits, far = limiter.take(limits, 1.0, declared, "one")
    assert (first.is_far, far.is_far) == (False, True)
    limits, same = limiter.take(limits, 2.0, declared, "one")
    assert same == far
    limits, other = limiter.take(limits, 2.0, declared, "two")
    assert other.at == pytest.approx(far.at + 3600)
    limits, mine = limiter.take(limits, far.at + 0.5, declared, "one")
    assert not mine.is_far
    assert mine.at == pytest.approx(far.at + 0.5)
    assert "one" not in limits.held
    limits, later = limiter.take(limits, other.at - FAR, declared, "two", waited=True)
    assert not later.is_far


def test_a_limit_that_was_used_up_is_not_full_again_because_a_process_died() -> None:
    """What is kept is when it will be full again: written out and read back, nothing has come of it."""
    declared = rate(requests="60/min")
    limits, _ = limiter.take(Limits(), 100.0, declared, "one")
    limits, slot = limiter.take(limits, 100.0, declared, "one")
    again = limiter.from_json(limiter.as_json(limits))
    assert again == limits
    assert limiter.take(again, 100.0, declared, "two")[1].at == pytest.approx(slot.at + 1)


def test_a_clock_that_is_behind_gives_nothing_away() -> None:
    """The machine was started anew: times are moved with its clock, and what was used up still is."""
    declared = rate(requests="60/min")
    limits, _ = limiter.take(Limits(), 50_000.0, declared, "one")
    limits, _ = limiter.take(limits, 50_000.0, declared, "one")
    limits = limiter.refused(limits, 50_000.0, declared, began=50_000.0, wait=30.0)
    after, slot = limiter.take(limits, 12.0, declared, "two")
    assert slot.at == pytest.approx(42.0)
    assert after.seen == 12.0


def _storm(allowed: float, seconds: float, *, at_once: float = 100.0, demand: float = 2000.0, wait: float | None = 1.0) -> tuple[int, int]:
    """Return how many requests pass and how many are refused at a server with a bucket, by callers who know of no rate."""
    limits, now, level, passed, refused = Limits(), 0.0, at_once, 0, 0
    while now < seconds:
        limits, slot = limiter.take(limits, now, NONE, "one")
        step = max(slot.at, now + 1 / demand)
        level, now = min(at_once, level + (step - now) * allowed), step
        if level >= 1:
            level, passed = level - 1, passed + 1
            limits = limiter.used(limits, now, NONE, Over(1))
        else:
            refused += 1
            limits = limiter.refused(limits, now, NONE, began=now, wait=wait)
    return passed, refused


@pytest.mark.parametrize("allowed", [20.0, 100.0])
@pytest.mark.parametrize("wait", [1.0, None])
@pytest.mark.parametrize(("at_once", "least"), [(1.0, 0.95), (0.0, 0.8)])
def test_refusals_teach_a_rate_that_nobody_declared(allowed: float, wait: float | None, at_once: float, least: float) -> None:
    """At most one in fifty is refused, and 95 % of what is allowed is used; 80 % at a server that lets nothing be saved up."""
    passed, refused = _storm(allowed, 60.0, at_once=max(1.0, at_once * allowed), wait=wait)
    assert passed >= least * allowed * 60, (passed, refused)
    assert refused <= 0.02 * passed, (passed, refused)


def test_those_that_were_under_way_together_cut_the_rate_once() -> None:
    """Fifty requests are refused for one reason: the rate isn't cut fifty times."""
    limits = limiter.used(Limits(), 10.0, NONE, Over(500))
    for number in range(50):
        limits = limiter.refused(limits, 10.0 + number / 1000, NONE, began=9.9, wait=None)
    assert limiter.learnt(limits, 10.1) > 100
    assert limits.refused == 50


def test_a_declared_rate_comes_back_after_refusals() -> None:
    """A provider that is overloaded for a while is spared for a while; a minute later all of the rate is used again."""
    declared = rate(requests="6000/min")
    limits = limiter.used(Limits(), 0.0, declared, Over(100))
    limits = limiter.refused(limits, 1.0, declared, began=0.5, wait=None)
    assert 80 <= len(begun(declared, 1.0, start=limits)) <= 97
    assert len(begun(declared, 1.0, start=replace(limits, seen=121.0))) > 98


def test_a_rate_that_was_taught_is_forgotten_in_the_end() -> None:
    """An hour without a refusal: it is as if there had been none."""
    limits = limiter.refused(limiter.used(Limits(), 0.0, NONE, Over(10)), 1.0, NONE, began=0.5, wait=None)
    assert 1 < limiter.learnt(limits, 1.0) < 20
    assert limiter.learnt(limits, 3600.0) > 1e9


def test_what_headers_tell_counts_where_nothing_is_declared() -> None:
    """A provider that says 60 a minute is asked 60 times a minute; a declared rate is the user's word."""
    limits = limiter.told(Limits(), RateLimit(60, 60), None)
    assert len(begun(NONE, 60, start=limits)) == 60
    assert len(begun(rate(requests="600/min"), 60, start=limits)) > 570


def test_tokens_are_counted_before_they_are_used_and_put_right_after() -> None:
    """A request waits for the tokens that it is expected to use; one that used fewer gives the rest back."""
    declared = rate(tokens="6000/min")
    limits = limiter.used(Limits(), 0.0, declared, Over(1, 1000.0, 0.0))
    assert limits.each == 1000
    limits, first = limiter.take(limits, 1000.0, declared, "one")
    limits, second = limiter.take(limits, 1000.0, declared, "one")
    assert second.at - first.at == pytest.approx(10.0 - 60 * limiter.AT_ONCE)
    limits = limiter.used(limits, 1001.0, declared, Over(2, 200.0, 2000.0))
    limits, third = limiter.take(limits, 1002.0, declared, "one")
    assert third.at == pytest.approx(1002.0), "without what was given back it would be at 1018.8"


def test_machines_that_cannot_hear_of_each_other_share_by_number() -> None:
    """Four of them: each keeps to a quarter, and to one place at least."""
    part = limiter.split(rate(requests="300/min", tokens="4000/min", concurrency=3), 4)
    assert part == ModelRate(requests=RateLimit(75, 60), tokens=RateLimit(1000, 60), concurrency=1)
    assert limiter.split(rate(requests="300/min"), 1) == rate(requests="300/min")


def test_runs_have_places_in_the_order_in_which_they_came() -> None:
    """Whoever waits longest is first; who isn't heard of any more has lost its turn."""
    limits, before = limiter.queue(Limits(), 1.0, "one")
    assert before == 0
    limits, before = limiter.queue(limits, 1.1, "two")
    assert before == 1
    limits, _ = limiter.queue(limits, 2.0, "two")
    limits, before = limiter.queue(limits, 2.2, "two")
    assert before == 0, "the first was last heard of more than a second ago"
    limits, before = limiter.queue(limits, 2.3, "one")
    assert before == 1
    limits, before = limiter.queue(limiter.leave(limits, "two"), 2.4, "one")
    assert before == 0


@given(
    seen=st.lists(st.tuples(st.floats(0, 1e5), st.sampled_from("abc"), st.sampled_from(["take", "waited", "used", "refused"])), max_size=40)
)
def test_whatever_happens_times_are_finite_and_not_in_the_past(seen: list[tuple[float, str, str]]) -> None:
    """Clocks that go back, refusals and answers in any order: a time is a time, and it survives being written out."""
    declared = rate(requests="60/min", tokens="1000/min")
    limits = Limits()
    for now, run, what in seen:
        if what in {"take", "waited"}:
            limits, slot = limiter.take(limits, now, declared, run, waited=what == "waited")
            assert now <= slot.at < math.inf
        elif what == "used":
            limits = limiter.used(limits, now, declared, Over(1, 50.0, 10.0))
        else:
            limits = limiter.refused(limits, now, declared, began=now, wait=2.0)
        assert limiter.from_json(limiter.as_json(limits)) == limits


def test_first_come_first_served_over_runs_would_be_noticed() -> None:
    """The broken variant: a thousand calls of one run are given a thousand times before another run's only call."""
    declared = rate(requests="60/min")
    limits = Limits()
    for number in itertools.count():
        limits, _ = limiter.take(limits, 0.0, declared, f"busy, call {number}")
        if number == 50:
            break
    limits, late = limiter.take(limits, 0.0, declared, "one call")
    assert late.at > 50, "with a time for each call, the others' come first"
