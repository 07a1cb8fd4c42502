"""Everything that can go wrong at run time, as one tree of exceptions.

::

    DarnerError                     everything below; nothing else leaves darner
    ├── Refused                     the call is wrong: bad input, wrong state, not allowed (exit 2)
    │   ├── Busy                    somebody else holds the run or the job (names the holder)
    │   └── Unasked                 a run that was resumed strictly no longer asks for what is on record
    ├── StoreError                  the store can't be read or written
    │   ├── Missing                 no such object
    │   └── Corrupt                 an object's bytes are not what was written
    ├── Fenced                      another process took the run over; stop at once
    └── Failure                     one of the nine failure classes of `on_failure`, with what is known of it
        ├── Throttled               ├── Network             ├── Semantic
        ├── OutOfMemory             ├── Preempted           ├── Crashed
        ├── ContextLost             ├── CallableError       └── Exhausted

`Denied` is a `CallableError`: a person was asked whether a write may be done, and said no.
`CallableError` carries what user code raised: its ``__cause__`` is the user's own exception.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ..compiler.settings import FailureClass
from .amounts import Usage


class DarnerError(Exception):
    """The root of what darner raises. ``help`` says what to do next."""

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002 - the word of the diagnostics
        super().__init__(message)
        self.message = message
        self.help = help


class Refused(DarnerError):
    """The call is wrong, and nothing was started."""


class Busy(Refused):
    """Another process holds what is asked for; the message names it."""


class StoreError(DarnerError):
    """The store can't be read or written: full, read-only, unreachable."""


class Missing(StoreError):
    """The store has no such object."""


class Corrupt(StoreError):
    """An object's bytes are not what was written; the message names the object and what is wrong."""


class Fenced(DarnerError):
    """Another process has taken the run over; this one must stop and write nothing more."""


class Unasked(Refused):
    """A run that was resumed strictly no longer asks for calls that are on record; nothing new was performed."""


class Failure(DarnerError):
    """A failure that a spec can react to. ``retry_after`` is in seconds, where the other side named it."""

    kind: ClassVar[FailureClass]
    calls: tuple[str, ...] = ()
    """The calls that it went through, innermost first."""
    last: Any = None
    """Of a loop that is exhausted: its last state, as JSON."""
    usage: Usage = Usage()
    """What the attempt used all the same, until whoever counts it has taken it."""
    raised: Any = None
    """What user code raised, as JSON; see `exceptions`."""
    cause: str = ""
    """What the evidence was, in a few words; see `evidence.TABLE`."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        type_name: str | None = None,
        help: str | None = None,  # noqa: A002 - the word of the diagnostics
    ) -> None:
        super().__init__(message, help=help)
        self.retry_after = retry_after
        self.type_name = type_name or type(self).__name__

    def blamed(self) -> tuple[str, ...]:
        """Return the calls that failed with it: its own, and those of the failures that led to it."""
        found: dict[str, None] = {}
        waiting: list[BaseException] = [self]
        seen: set[int] = set()
        while waiting:
            error = waiting.pop()
            if id(error) not in seen:
                seen.add(id(error))
                found.update(dict.fromkeys(error.calls if isinstance(error, Failure) else ()))
                members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
                waiting += [one for one in (failure_behind(error), error.__cause__, error.__context__, *members) if one is not None]
        return tuple(found)


_BEHIND = "__darner_failure__"


def put_behind(error: BaseException, failure: Failure) -> None:
    """Let an exception that user code is given stand for a failure."""
    vars(error)[_BEHIND] = failure


def failure_behind(error: BaseException) -> Failure | None:
    """Return the failure that an exception stands for which user code was given; None where it stands for itself."""
    found: Failure | None = vars(error).get(_BEHIND)
    return found


class Throttled(Failure):
    """The other side says: later."""

    kind = "throttled"


class Network(Failure):
    """The other side can't be reached, broke off, or answered 5xx."""

    kind = "network"


class Semantic(Failure):
    """An answer came, and it is not acceptable."""

    kind = "semantic"


class OutOfMemory(Failure):
    """A process went over the memory that it was promised."""

    kind = "oom"


class Preempted(Failure):
    """The machine is taken away."""

    kind = "preempted"


class Crashed(Failure):
    """A process died, and nobody knows that it was for memory."""

    kind = "crashed"


class ContextLost(Failure):
    """A message history is damaged, or larger than the model's window."""

    kind = "context"


class CallableError(Failure):
    """User code raised; ``__cause__`` is the user's exception where it happened in this process."""

    kind = "error"


class Denied(CallableError):
    """A person was asked to approve a write, and said no."""


class Exhausted(Failure):
    """A budget, a limit or all attempts are used up."""

    kind = "exhausted"


FAILURES: dict[FailureClass, type[Failure]] = {
    cls.kind: cls for cls in (Throttled, Network, Semantic, OutOfMemory, Preempted, Crashed, ContextLost, CallableError, Exhausted)
}
