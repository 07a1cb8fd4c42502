"""What a provider allows, as arithmetic: when the next request may begin, and what a refusal teaches. The clock is handed in.

Requests are spaced by the virtual scheduling algorithm (GCRA, ITU-T I.371): each is given the next free time, so a run
that asks for one time at once has its turn as often as any other, however many calls wait in it. Where no rate is
declared, refusals teach one: AIMD as of Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion
avoidance in computer networks" (1989). It is cut to a little less than what was let pass lately, at most to a half, once
for all that were under way; then it grows by an addition a second, which doubles the longer nothing is refused (as the
convex part of CUBIC's curve, RFC 9438).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..compiler.quantities import RateLimit
from ..compiler.settings import ModelRate

AT_ONCE = 0.01
"""The share of a rate that may be used at once after a pause; of rates longer than a minute it is all."""
MINUTE = 60.0
CUT, MOST_CUT, BELOW_PASSED = 0.95, 0.7, 0.98
"""What is left of a rate after a refusal: at most and at least; and how much of what was let pass lately."""
LEAST_FIRST = 5.0
"""Requests a second that a first refusal leaves, however few were made: what was never tried is not known."""
FEW, GUESS_CUT, GUESS_DOUBLES = 50.0, 0.8, (1.0, 10.0)
"""What a refusal leaves of a guess, and the seconds in which it doubles: where few requests were let pass before it, or more."""
LEAST = 1 / 3600
"""Requests a second that no refusal goes below."""
GROWTH, DOUBLES, DOUBLES_CALLS = 0.1, 20.0, 50.0
"""A learnt rate grows by this share within the time in which its slope doubles: so many seconds, or so many calls."""
BURST_LEARNT = 0.5
"""Seconds' worth of a learnt rate that may be used at once."""
LATELY = 10.0
"""Time constant, in seconds, of what was let pass lately."""
SMOOTH = 0.1
"""The weight of the newest request in the tokens that one is expected to use."""
KEPT = 600.0
"""Seconds for which a time that was given to a parked run is kept beyond it."""
SILENT = 1.0
"""Seconds after which whoever waits for a place and isn't heard of has lost its turn."""
FAR = 60.0
"""Seconds above which a time that is given is remembered for the run: it may be parked until then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one model's users have done, and been told. Times are seconds of one machine's monotonic clock."""

    seen: float = 0.0
    """When it was last changed."""
    requests: float = 0.0
    """The theoretical arrival time of the next request: below the present as long as some may begin at once."""
    tokens: float = 0.0
    """The same of the next token."""
    each: float = 0.0
    """Tokens that a request is expected to use."""
    paused: float = 0.0
    """Nothing begins before that."""
    learnt: float = 0.0
    """Requests a second that were left by the last refusal; 0 where there was none."""
    cut: float = 0.0
    """When that was."""
    guess: float = 0.0
    """The seconds in which it doubles, since it was the first refusal, and how much is allowed is yet to be found out; else 0."""
    passed: float = 0.0
    """Requests that were let pass lately: each counts less the longer ago it was."""
    span: float = 0.0
    """The seconds, weighted likewise, in which they were."""
    told_requests: RateLimit | None = None
    told_tokens: RateLimit | None = None
    """What the provider's headers say that it allows."""
    held: Mapping[str, float] = field(default_factory=dict)
    """Times far ahead, by the run that they were given to."""
    waiting: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Runs that wait for a place: since when, and when each was last heard of."""
    begun: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """When a request may begin, and the tokens that it was counted with; ``is_far`` says that it is to be asked for again then."""

    at: float
    tokens: float = 0.0
    is_far: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """Requests that are over: how many were answered, the tokens that they used, and those that they were counted with."""

    passed: int = 0
    tokens: float = 0.0
    expected: float = 0.0


def split(rate: ModelRate, shares: int) -> ModelRate:
    """Return one of so many equal shares of a rate: of machines that can't hear of each other. A place is the least."""
    if shares <= 1:
        return rate
    part = {name: _part(getattr(rate, name), shares) for name in ("requests", "tokens")}
    return rate.model_copy(update={**part, "concurrency": max(1, rate.concurrency // shares) if rate.concurrency else None})


def _part(limit: RateLimit | None, shares: int) -> RateLimit | None:
    return None if limit is None else RateLimit(limit.amount / shares, limit.seconds)


def at(limits: Limits, now: float) -> Limits:
    """Return limits as of now. Where the clock is behind (another boot's), all times are moved: nothing was refilled meanwhile."""
    if now >= limits.seen:
        weight = math.exp((limits.seen - now) / LATELY)
        span = limits.span * weight + LATELY * (1 - weight) if limits.span else limits.span
        held = {run: due for run, due in limits.held.items() if due + KEPT > now} if limits.held else limits.held
        return replace(limits, seen=now, passed=limits.passed * weight, span=span, held=held)
    back = limits.seen - now
    times = {name: getattr(limits, name) - back for name in ("requests", "tokens", "paused", "cut")}
    return replace(limits, seen=now, held={run: due - back for run, due in limits.held.items()}, waiting={}, **times)


def take(limits: Limits, now: float, rate: ModelRate, run: str, *, waited: bool = False) -> tuple[Limits, Slot]:
    """Return when a run's next request may begin, and the limits with that time given away.

    A time further ahead than `FAR` is kept for the run, which may be parked until then: whoever asks on its behalf is told
    the same, until it is near, or was ``waited`` for.
    """
    limits = at(limits, now)
    due = limits.held.get(run)
    if due is None:
        limits, slot = _given(limits, now, rate)
        return (_holding(limits, run, slot.at), slot) if slot.is_far else (replace(limits, begun=limits.begun + 1), slot)
    later = max(due, limits.paused)
    if later - now > FAR and (later > due or not waited):
        return _holding(limits, run, later), Slot(later, is_far=True)
    rest = {other: when for other, when in limits.held.items() if other != run}
    return replace(limits, held=rest, begun=limits.begun + 1), Slot(now if waited and later == due else max(later, now), limits.each)


def _holding(limits: Limits, run: str, due: float) -> Limits:
    return replace(limits, held={**limits.held, run: due})


def _given(limits: Limits, now: float, rate: ModelRate) -> tuple[Limits, Slot]:
    spacing, ahead = _requests(limits, now, rate)
    each, more = _tokens(limits, rate)
    due = max(now, limits.paused, limits.requests - ahead, limits.tokens - more)
    requests = max(limits.requests, due) + spacing if spacing else limits.requests
    tokens = max(limits.tokens, due) + limits.each * each if each else limits.tokens
    return replace(limits, requests=requests, tokens=tokens), Slot(due, limits.each, due - now > FAR)


def is_void(limits: Limits, slot: Slot) -> bool:
    """Return whether a time that was given counts no longer, because the provider has said since then: later."""
    return limits.paused > slot.at


def queue(limits: Limits, now: float, run: str) -> tuple[Limits, int]:
    """Return how many runs are to have a place before this one, which waits from now on, or still does.

    A run that wasn't heard of for `SILENT` seconds is gone, or stands still, and has lost its turn.
    """
    limits = at(limits, now)
    there = {other: seen for other, seen in limits.waiting.items() if now - seen[1] <= SILENT and other != run}
    since = limits.waiting[run][0] if run in limits.waiting else now
    before = sum((one, other) < (since, run) for other, (one, _) in there.items())
    return replace(limits, waiting={**there, run: (since, now)}), before


def leave(limits: Limits, run: str) -> Limits:
    """Return limits in which a run no longer waits for a place."""
    return replace(limits, waiting={other: seen for other, seen in limits.waiting.items() if other != run})


def told(limits: Limits, requests: RateLimit | None, tokens: RateLimit | None) -> Limits:
    """Return limits that know what the provider's headers say that it allows."""
    return replace(limits, told_requests=requests or limits.told_requests, told_tokens=tokens or limits.told_tokens)


def used(limits: Limits, now: float, rate: ModelRate, over: Over) -> Limits:
    """Return limits that know of requests that are over."""
    limits = at(limits, now)
    each, _ = _tokens(limits, rate)
    mean = over.tokens / over.passed if over.passed else limits.each
    weight = 1 - (1 - SMOOTH) ** over.passed if limits.each else 1.0
    return replace(
        limits,
        passed=limits.passed + over.passed,
        span=max(limits.span, 1.0),
        tokens=limits.tokens + (over.tokens - over.expected) * each,
        each=limits.each + (mean - limits.each) * weight,
    )


def refused(limits: Limits, now: float, rate: ModelRate, *, began: float, wait: float | None) -> Limits:
    """Return limits after the provider said: later. ``wait`` is what it asked for, ``began`` when the request did.

    Requests that were under way together are refused together: the first of them cuts the rate, the others say nothing new.
    """
    limits = at(limits, now)
    limits = replace(limits, refused=limits.refused + 1, paused=max(limits.paused, now + (wait or 0.0)))
    if limits.learnt and began <= limits.cut:
        return limits
    known = not math.isinf(learnt(limits, now)) or bool(rate.requests or limits.told_requests)
    left = max(_cut(limits, now, rate), LEAST)
    limits = replace(limits, learnt=left, cut=now, guess=0.0 if known else GUESS_DOUBLES[limits.passed >= FEW])
    # Nothing is saved up: one may come when it was said to, and what comes after that comes at the new pace.
    _, ahead = _requests(limits, now, rate)
    return replace(limits, requests=max(limits.paused, now + (1 / left if wait is None else 0.0)) + ahead)


def _cut(limits: Limits, now: float, rate: ModelRate) -> float:
    """Return what is left of a rate, in requests a second."""
    spacing, ahead = _requests(limits, now, rate)
    passed = limits.passed / max(limits.span, 1.0) * BELOW_PASSED
    if not spacing:
        return max(passed, LEAST_FIRST)
    if limits.guess:
        return GUESS_CUT / spacing
    if rate.requests or limits.told_requests or limits.requests - ahead < now:
        return CUT / spacing  # what was let pass may well be less than is allowed: nobody had to wait for a turn
    return max(MOST_CUT / spacing, min(CUT / spacing, passed))


def learnt(limits: Limits, now: float) -> float:
    """Return the requests a second that refusals have taught, grown since the last of them; infinite where there was none."""
    if not limits.learnt:
        return math.inf
    if limits.guess:
        return limits.learnt * math.exp2(min(64.0, max(0.0, now - limits.cut) / limits.guess))
    doubles = max(DOUBLES, DOUBLES_CALLS / limits.learnt)
    times = min(64.0, max(0.0, now - limits.cut) / doubles)
    return limits.learnt * (1 + GROWTH / math.log(2) * (math.exp2(times) - 1))


def _requests(limits: Limits, now: float, rate: ModelRate) -> tuple[float, float]:
    """Return the seconds between two requests, and how far ahead of them they may be; zeros where nothing is known."""
    known = rate.requests or limits.told_requests
    spacing, ahead = _spacing(known) if known is not None else (0.0, 0.0)
    taught = learnt(limits, now)
    if taught * spacing >= 1 or math.isinf(taught):
        return spacing, ahead
    return 1 / taught, max(0.0, BURST_LEARNT - 1 / taught)


def _spacing(limit: RateLimit) -> tuple[float, float]:
    """Return spacing and tolerance of a rate, such that no window of its length sees more than its amount.

    With C at once, and r a second from then on, a window sees C + r x seconds - 1: so r is (amount - C + 1) / seconds.
    """
    if limit.seconds > MINUTE:
        spacing = limit.seconds / limit.amount
        return spacing, max(0.0, limit.seconds - spacing)
    most = max(1.0, math.floor(limit.amount * AT_ONCE))
    spacing = limit.seconds / (limit.amount - most + 1)
    return spacing, (most - 1) * spacing


def _tokens(limits: Limits, rate: ModelRate) -> tuple[float, float]:
    """Return the seconds that a token takes, and how far ahead of them requests may be."""
    known = rate.tokens or limits.told_tokens
    if known is None:
        return 0.0, 0.0
    share = AT_ONCE if known.seconds <= MINUTE else 1.0
    return known.seconds / known.amount, known.seconds * share


def forgotten(limits: Limits, now: float) -> Limits:
    """Return limits without what was learnt: the rate that refusals taught, what headers said, until when nobody begins.

    What was used up of a declared rate stays so; nobody who came before has a time far ahead any more.
    """
    limits = at(limits, now)
    return replace(
        limits, requests=min(limits.requests, now), tokens=min(limits.tokens, now), paused=0.0, learnt=0.0, cut=0.0, guess=0.0,
        told_requests=None, told_tokens=None, held={},
    )  # fmt: skip


def pace(limits: Limits, now: float, rate: ModelRate) -> float | None:
    """Return the requests a second that may begin, by all that is declared, said and learnt; None for as many as come."""
    spacing, _ = _requests(limits, now, rate)
    return 1 / spacing if spacing else None


def next_in(limits: Limits, now: float, rate: ModelRate) -> float:
    """Return the seconds until somebody who came now could begin."""
    return _given(at(limits, now), now, rate)[1].at - now


def as_json(limits: Limits) -> dict[str, Any]:
    """Return limits as what JSON can hold."""
    found = {name: getattr(limits, name) for name in Limits.__slots__}
    for name in ("told_requests", "told_tokens"):
        found[name] = None if found[name] is None else [found[name].amount, found[name].seconds]
    return found


def from_json(found: Mapping[str, Any]) -> Limits:
    """Return limits that were kept; ValueError, TypeError or KeyError where they are none."""
    told = {name: RateLimit(*found[name]) if found[name] else None for name in ("told_requests", "told_tokens")}
    waiting = {run: (float(since), float(heard)) for run, (since, heard) in found["waiting"].items()}
    return Limits(**{**found, **told, "waiting": waiting})
