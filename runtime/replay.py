"""What is on record of one step, while an execution of it asks for it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .failures import FAILURES, Failure
from .known import CallState
from .state import RunState


@dataclass
class Replay:
    """The finished calls of one step, and which of them were not asked for yet.

    Calls on behalf of a call that is finished, or has failed for good, don't count: it is served itself.
    """

    state: RunState
    path: str
    asks: int = 0
    """How often something was asked for."""
    _left: dict[str, None] = field(default_factory=dict)
    _others: set[str] = field(default_factory=set)
    """The calls that have no result, be it that they failed, and were not asked for yet either: a task may still come for its own."""

    def __post_init__(self) -> None:
        waiting = [self.path]
        while waiting:
            for name in self.state.below.get(waiting.pop(), ()):
                call = self.state.calls.get(name)
                if call is None:
                    continue
                if call.given_up is None and call.payload is not None:
                    self._left[name] = None
                    continue
                self._others.add(name)
                if call.given_up is None:
                    waiting.append(name)

    def asked(self, call: str) -> None:
        """Note that a call was asked for."""
        self.asks += 1
        self._left.pop(call, None)
        self._others.discard(call)

    @property
    def is_over(self) -> bool:
        """Whether everything on record was asked for again: whatever else is asked for is new."""
        return not self._left and not self._others

    @property
    def left(self) -> tuple[str, ...]:
        """The calls that were not asked for, in the order of the journal."""
        return tuple(self._left)


def failure_of(call: CallState) -> Failure | None:
    """Return the failure with which a call used up its policy, as it was raised; None where it didn't."""
    told = call.given_up
    if told is None:
        return None
    failure = FAILURES[told.failure](told.message, type_name=told.type, help=told.help)
    failure.calls, failure.raised = (call.call,), told.raised
    return failure


def names(state: RunState, calls: Iterable[str]) -> str:
    """Return what calls were of, for people: ``reserve, search (3 times)``."""
    counted: dict[str, int] = {}
    for call in calls:
        known = state.calls.get(call)
        name = known.name if known is not None else call
        counted[name] = counted.get(name, 0) + 1
    return ", ".join(f"{name} ({count} times)" if count > 1 else name for name, count in counted.items())
