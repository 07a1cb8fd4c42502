"""How a stage reacts to what its callable raises for a row: again, a dead letter, left out, or the end of the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ...compiler.settings import REACTIONS, FailureClass, OnFailure, Reaction, merge_reactions
from ..failures import CallableError, DarnerError, Failure, OutOfMemory
from ..perform.processes.child import place_of
from .outcomes import Dead, Filtered, Outcome

Result = TypeVar("Result")
_NEVER_A_ROW = frozenset({"oom", "preempted", "crashed"})
"""Failures of a process, not of a row."""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """A stage's reactions by class. ``said`` are those that the spec wrote: only there does `fail` end the run."""

    reactions: Mapping[FailureClass, Reaction]
    said: Mapping[FailureClass, Reaction]
    place: str
    """The stage, for messages."""

    @classmethod
    def of(cls, stage: str, on_failure: OnFailure) -> FailurePolicy:
        """Return a stage's policy: what its plan says, over what the language says."""
        return cls(merge_reactions(REACTIONS, on_failure), on_failure, stage)

    def attempts(self, error: Exception) -> int:
        """Return how often a row may be tried that fails like this."""
        return self.reactions[failure_class(error)].attempts or 1

    def wait(self, error: Exception, attempt: int) -> float:
        """Return the seconds before the next attempt: doubling from the first wait up to the last."""
        asked = error.retry_after if isinstance(error, Failure) else None
        backoff = self.reactions[failure_class(error)].backoff
        if backoff is None:
            return asked or 0.0
        return max(asked or 0.0, min(backoff.last, backoff.first * 2.0 ** (attempt - 1)))

    def settle(self, error: Exception, attempts: int) -> Outcome:
        """Return what becomes of a row whose attempts are used up; raises where the spec says that the run fails."""
        kind = failure_class(error)
        then = self.said[kind].then if kind in self.said else None
        if then == "skip":
            return Filtered()
        if then == "fail":
            raise StageFailure(f"stage {self.place}: {said_of(error)}", type_name=type_of(error)) from error
        return Dead(kind, type_of(error), said_of(error), attempts)

    def tried(self, work: Callable[[], Result], first: Exception) -> Result:
        """Try a row that has failed once again, as often as its failure allows; raises `Used` with the last failure."""
        error, attempt = first, 1
        while attempt < self.attempts(error):
            time.sleep(self.wait(error, attempt))
            attempt += 1
            try:
                return work()
            except ROW_ERRORS as again:  # whatever user code raises is the row's failure
                error = row_error(again)
        raise Used(error, attempt)


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
    if type(error).__name__ == "OutOfMemoryError" and type(error).__module__.startswith("torch"):
        raise OutOfMemory(f"the device is out of memory: {error}", help="declare on_oom with smaller batches") from error
    if isinstance(error, Failure) and error.kind in _NEVER_A_ROW:
        raise error
    if isinstance(error, SystemExit):
        return CallableError(f"sys.exit({error.code!r}) was called", type_name="SystemExit", help=place_of(error))
    if not isinstance(error, Exception):
        raise error
    return error


def failure_class(error: Exception) -> FailureClass:
    """Return the class under which a row's exception is treated."""
    if isinstance(error, Failure):
        return error.kind
    return "network" if isinstance(error, ConnectionError | TimeoutError) else "error"


def type_of(error: Exception) -> str:
    """Return an exception's type as people know it."""
    return error.type_name if isinstance(error, Failure) else type(error).__name__


def said_of(error: Exception) -> str:
    """Return what an exception says, never empty."""
    return str(error) or type(error).__name__
