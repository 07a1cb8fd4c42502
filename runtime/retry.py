"""Whether a failed attempt is followed by another, and after how long: arithmetic, with chance handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..compiler.settings import Backoff, FailureClass, Reaction
from .events import CallFailed
from .failures import Failure
from .ports import CallRequest

PATIENCE = Backoff(first=1, last=60)
"""Waits for a throttled call where the other side doesn't say how long."""
MAX_WAITS = 60
"""How often a throttled call is waited for before it counts as failed."""
TAKEN_AT_MOST = 20
"""A call whose process was asked to leave so often: nobody takes machines away like that, something in it asks for it."""
PATIENT_TIMES = 4
"""How often a throttled call is waited for where somebody else can be asked instead."""
AMBIGUOUS = frozenset({"network", "crashed", "oom", "preempted"})
"""Failures after which nobody knows whether a write happened."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What was tried of one call: failed attempts; and, which are none, waits that the other side asked for, machines taken away."""

    failed: int = 0
    waits: int = 0
    taken: int = 0

    @classmethod
    def on_record(cls, failures: Sequence[CallFailed]) -> Attempts:
        """Return the count of a call that goes on: parked or interrupted between two attempts, it has no more of them than before.

        What used up the policy ends a count: whoever takes a failed step up again tries anew.
        """
        tried = cls()
        for one in reversed(failures):
            if one.final:
                break
            tried = tried.with_one(one.failure)
        return tried

    def with_one(self, kind: FailureClass) -> Attempts:
        """Return the count with one more failure of a class."""
        if kind == "throttled":
            return replace(self, waits=self.waits + 1)
        if kind == "preempted":
            return replace(self, taken=self.taken + 1)
        return replace(self, failed=self.failed + 1)

    def after(self, failure: Failure) -> Attempts:
        """Return the count with one more failure."""
        return self.with_one(failure.kind)


def delay(request: CallRequest, reaction: Reaction, failure: Failure, tried: Attempts, chance: float) -> float | None:
    """Return the seconds until the next attempt, or None where there is none.

    Args:
        request: the call; a write that isn't idempotent is tried again only where it was told that it didn't happen.
        reaction: the merged reaction to the failure's class.
        failure: what happened; what the other side asks for is waited for at least.
        tried: what was tried, this failure included.
        chance: between 0 and 1, for full jitter.
    """
    if failure.kind == "throttled":
        wait = _when_throttled(reaction, failure, tried, chance)
        is_too_long = request.patience is not None and (wait is None or wait > request.patience or tried.waits > PATIENT_TIMES)
        return None if is_too_long else wait
    if request.effects == "write" and not request.idempotent and failure.kind in AMBIGUOUS:
        return None
    if failure.kind == "preempted":
        return (failure.retry_after or 0.0) if tried.taken < (reaction.attempts or TAKEN_AT_MOST) else None
    if failure.kind == "exhausted" or tried.failed >= (reaction.attempts or 1):
        return None
    return max(failure.retry_after or 0.0, bound(reaction.backoff, tried.failed - 1) * chance)


def _when_throttled(reaction: Reaction, failure: Failure, tried: Attempts, chance: float) -> float | None:
    if tried.waits >= (reaction.attempts or MAX_WAITS):
        return None
    if failure.retry_after:  # a time that is over says no more than none
        return failure.retry_after
    return bound(reaction.backoff or PATIENCE, tried.waits - 1) * chance


def bound(backoff: Backoff | None, times: int) -> float:
    """Return the longest wait after ``times`` earlier ones: doubling from ``first``, never above ``last``."""
    if backoff is None:
        return 0.0
    return float(min(backoff.last, backoff.first * 2.0 ** min(times, 64)))
