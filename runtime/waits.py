"""What a run waits for: its questions and timers, folded from its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from .events import Event, QuestionAsked, QuestionClosed, RunParked, TakenUp, TimerSet

NAME_LENGTH = 12
NEVER = 99_999_999_999.0
"""Stands for the time of what has none, in the year 5138."""


@dataclass
class Question:
    """One question, as it was last asked, and how it ended."""

    asked: QuestionAsked
    closed: QuestionClosed | None = None


@dataclass
class Waits:
    """Questions by the call that waits for them, timers, and what of the inbox was read."""

    questions: dict[str, Question] = field(default_factory=dict)
    timers: dict[str, TimerSet] = field(default_factory=dict)
    asks: Counter[str] = field(default_factory=Counter)
    """How often each call has asked, over everything that was ever forgotten."""
    read: set[int] = field(default_factory=set)
    """Messages of the inbox that were taken."""
    parked: bool = False
    idle: float = 0.0
    """Seconds for which nobody had the run in hand, because there was nothing to do."""
    _parked_at: float = 0.0

    @property
    def open(self) -> list[QuestionAsked]:
        """The questions that nobody has answered yet, in the order in which they were asked."""
        return [one.asked for one in self.questions.values() if one.closed is None]

    @property
    def pending(self) -> list[QuestionAsked | TimerSet]:
        """Everything that is waited for."""
        return [*self.open, *self.timers.values()]

    def next_name(self, call: str) -> str:
        """Return the name of the next question of a call."""
        count = self.asks[call] + 1
        return call[:NAME_LENGTH] if count == 1 else f"{call[:NAME_LENGTH]}-{count}"

    def apply(self, event: Event) -> None:
        """Fold one event; those that say nothing of waiting change nothing."""
        match event:
            case QuestionAsked():
                self.asks[event.call] += 1
                self.questions[event.call] = Question(event)
            case QuestionClosed():
                if event.call in self.questions:
                    self.questions[event.call].closed = event
                if event.message is not None:
                    self.read.add(event.message)
            case TimerSet():
                self.timers[event.call] = event
            case RunParked():
                self.parked, self._parked_at = True, event.at
            case TakenUp():
                # The clock may have jumped back meanwhile.
                self.idle += max(0.0, event.at - self._parked_at) if self.parked else 0.0
                self.parked = False
            case _:
                pass

    def forget(self, parents: Collection[str]) -> None:
        """Drop what was asked on behalf of some steps and calls: it is done anew, and asked anew."""
        if self.questions or self.timers:
            self.drop([call for call, one in self.questions.items() if one.asked.parent in parents])
            self.drop([call for call, one in self.timers.items() if one.parent in parents])

    def drop(self, calls: Iterable[str]) -> None:
        """Drop the questions and timers of some calls."""
        for call in list(calls):
            self.questions.pop(call, None)
            self.timers.pop(call, None)

    def times(self, told: float | None = None) -> Iterator[float]:
        """Yield when something that is waited for is due: timers, ends of questions, their next reminders.

        ``told`` is until when people were reminded: until the run was parked last, where it isn't given.
        """
        for one in self.pending:
            yield one.due if one.due is not None else NEVER
            if isinstance(one, QuestionAsked) and one.remind is not None:
                yield _reminded(one.at, one.remind, self._parked_at if told is None else told)


def _reminded(at: float, every: float, told: float) -> float:
    """Return the time of the first reminder that wasn't told by then: whoever has a run in hand tells what is due."""
    return at + every * max(1, int((told - at) // every) + 1)


def next_reminder(asked: QuestionAsked, now: float, told: Iterable[int]) -> tuple[int, float] | None:
    """Return the number (from 1) and the time of a question's next reminder, or None where it has none.

    Reminders that passed while nobody was there are told once, as the latest of them.
    """
    if asked.remind is None:
        return None
    number = max(1, int((now - asked.at) // asked.remind))
    while number in set(told):
        number += 1
    return number, asked.at + number * asked.remind
