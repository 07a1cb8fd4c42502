"""How a stage reacts to what its callable raises for a row: again, a dead letter, left out, or the end of the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ...compiler.settings import REACTIONS, FailureClass, OnFailure, Reaction, Then, merge_reactions
from .. import evidence
from ..failures import FAILURES, CallableError, DarnerError, Failure
from ..ledger import Totals
from ..perform.processes.child import place_of
from ..perform.world import SystemClock, chance
from ..ports import CallRequest
from ..retry import Attempts, bound, delay
from .outcomes import Dead, Filtered, Outcome

Result = TypeVar("Result")
_NEVER_A_ROW = frozenset({"oom", "preempted", "crashed"})
"""Failures of a process, not of a row."""
_PURE = CallRequest(parent="", kind="callable", name="", arguments=None, effects="pure")
"""A row's call, as far as waits go by it: nothing outside is changed, so it may always be made again."""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """A stage's reactions by class. ``said`` are those that the spec wrote: only there does `fail` end the run."""

    reactions: Mapping[FailureClass, Reaction]
    said: Mapping[FailureClass, Reaction]
    place: str
    """The stage, for messages."""
    count: Callable[[FailureClass, Totals], None] | None = None
    """Is told of each failed attempt at a row."""
    tried_within: bool = False
    """What is called tries again by itself: a failure that comes out of it has used up its attempts."""

    @classmethod
    def of_agent(cls, stage: str, agent: OnFailure, on_failure: OnFailure) -> FailurePolicy:
        """Return the policy of a stage that runs an agent: what the stage says lies over what the agent says."""
        once = dict.fromkeys(REACTIONS, Reaction(attempts=1))
        return cls(once, merge_reactions(agent, on_failure), stage, tried_within=True)

    @classmethod
    def of(cls, stage: str, on_failure: OnFailure, count: Callable[[FailureClass, Totals], None] | None = None) -> FailurePolicy:
        """Return a stage's policy: what its plan says, over what the language says."""
        return cls(merge_reactions(REACTIONS, on_failure), on_failure, stage, count)

    def wait(self, error: Exception, tried: Attempts) -> float | None:
        """Return the seconds before a row is tried again, or None where it isn't; ``tried`` counts this failure, see `retry.delay`."""
        failure = as_failure(error)
        wait = delay(_PURE, self.reactions[failure.kind], failure, tried, chance())
        if self.count is not None:
            self.count(failure.kind, Totals(attempts=1, calls=int(times(tried) == 1), waited=wait or 0.0))
        return wait

    def process_wait(self, kind: FailureClass, tried: Attempts) -> float | None:
        """Return the seconds before a shard whose process ended is tried again, or None where it isn't, see `retry.delay`."""
        return delay(_PURE, self.reactions[kind], FAILURES[kind](kind), tried, chance())

    def crash_wait(self, times: int) -> float:
        """Return the seconds before a shard whose worker was killed so often is tried again, whoever was to blame for it."""
        return bound(self.reactions["crashed"].backoff, times - 1) * chance()

    def then(self, kind: FailureClass, *, used_up: bool) -> Then | None:
        """Return what the spec says becomes of what fails like this; None where it says nothing, which is a dead letter.

        Where several attempts or rungs are ``used_up`` and the class says nothing, what is said of `exhausted` counts.
        """
        said = self.said[kind].then if kind in self.said else None
        return self.said["exhausted"].then if said is None and used_up and "exhausted" in self.said else said

    def settle(self, error: Exception, attempts: int) -> Outcome:
        """Return what becomes of a row whose attempts are used up; raises where the spec says that the run fails."""
        kind = failure_class(error)
        then = self.then(kind, used_up=self.tried_within or attempts > 1)
        if then == "skip":
            return Filtered()
        if then == "fail":
            raise StageFailure(f"stage {self.place}: {said_of(error)}", type_name=type_of(error)) from error
        return Dead(kind, type_of(error), said_of(error), attempts)

    def tried(self, work: Callable[[], Result], first: Exception) -> Result:
        """Try a row that has failed once again, as often as its failure allows; raises `Used` with the last failure."""
        error, tried = first, Attempts().after(as_failure(first))
        while (wait := self.wait(error, tried)) is not None:
            time.sleep(wait)
            try:
                return work()
            except ROW_ERRORS as again:  # whatever user code raises is the row's failure
                error = row_error(again)
            tried = tried.after(as_failure(error))
        raise Used(error, times(tried))


class Used(Exception):
    """A row's attempts are used up."""

    def __init__(self, error: Exception, attempts: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.attempts = attempts


class StageFailure(CallableError):
    """A row failed, and the spec says that the run fails with it."""


ROW_ERRORS = (Exception, SystemExit)
"""What user code may raise for a row: ``sys.exit()`` in it ends the row, not the process."""


def row_error(error: BaseException) -> Exception:
    """Return an exception that belongs to a row; one that belongs to the process or to darner is raised on."""
    if isinstance(error, MemoryError | StageFailure) or (isinstance(error, DarnerError) and not isinstance(error, Failure)):
        raise error
    if isinstance(error, Failure) and error.kind in _NEVER_A_ROW:
        raise error
    if isinstance(error, SystemExit):
        return CallableError(f"sys.exit({error.code!r}) was called", type_name="SystemExit", help=place_of(error))
    if not isinstance(error, Exception):
        raise error
    cause = None if isinstance(error, DarnerError) else evidence.why(error)
    if cause is not None and cause.kind in _NEVER_A_ROW:
        raise evidence.failure_of(cause, f"{cause.text}: {error}", type(error).__name__) from error
    return error


def failure_class(error: Exception) -> FailureClass:
    """Return the class under which a row's exception is treated."""
    if isinstance(error, Failure):
        return error.kind
    return evidence.why(error).kind


def as_failure(error: Exception) -> Failure:
    """Return a row's exception as a failure of its class, with the time that the other side named, if it did."""
    if isinstance(error, Failure):
        return error
    return evidence.failure_of(evidence.why(error, now=SystemClock().now()), said_of(error), type(error).__name__)


def times(tried: Attempts) -> int:
    """Return how often something was done in all."""
    return tried.failed + tried.waits + tried.taken


def type_of(error: Exception) -> str:
    """Return an exception's type as people know it."""
    return error.type_name if isinstance(error, Failure) else type(error).__name__


def said_of(error: Exception) -> str:
    """Return what an exception says, never empty."""
    return str(error) or type(error).__name__
