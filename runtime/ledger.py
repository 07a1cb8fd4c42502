"""The attempt ledger: every attempt that failed, why, what was waited for it, what it cost; folded from a run's events.

What failures cost, by class:

- a failed *attempt* of a call costs the seconds that it took, the wait for the next one, and the tokens and money that the
  provider said it used all the same;
- an *answer* that came and was refused (class ``semantic``) costs its request: its tokens, its money, its seconds;
- an attempt that nobody saw the end of, since its process was killed (``crashed``), stopped (``preempted``), or gave up
  something around it, costs its time as far as it is known; what its provider bills nobody has said;
- a person who is asked about a failure is a *question*, and their time a wait.

What was done before something failed for good is no cost of the failure: it is kept, and served when the run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from ..compiler.frozen import Frozen
from ..compiler.settings import FailureClass
from .events import AnswerRefused, CallFailed
from .known import CallState

CONTAINERS = frozenset({"agent", "human", "step"})
"""What has no cost of its own: its parts have."""
Week: TypeAlias = str
"""An ISO week in UTC, like ``2026-W48``."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that failed. Times in seconds, ``at`` since 1970; ``cost`` in US dollars."""

    failure: FailureClass
    type: str
    cause: str
    step: str
    call: str
    what: str
    name: str
    attempt: int
    at: float
    final: bool = False
    """Whether its policy was used up."""
    seconds: float = 0.0
    wait: float = 0.0
    """What was waited for the next attempt, or for a person."""
    tokens: int = 0
    cost: Decimal = Decimal(0)
    is_known: bool = True
    """Whether what it used is known: nobody saw the end of some."""
    where: str = ""
    """Where user code raised it, of the attempt that was the last."""


class Totals(Frozen):
    """What failures of one class cost. ``attempts`` failed, of so many ``calls``; so many ``questions`` to people followed."""

    attempts: int = 0
    calls: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    questions: int = 0
    unknown: int = 0
    """Of the attempts, those of which nobody knows what they used."""

    @property
    def minutes(self) -> float:
        """Time that failures took, in minutes: spent in vain, and waited."""
        return (self.seconds + self.waited) / 60

    def __add__(self, other: Totals) -> Totals:
        names = Totals.model_fields
        return Totals.model_construct(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def less(self, other: Totals) -> Totals:
        """Return what of it is not a part of ``other``; nothing is less than 0."""
        taken = {name: getattr(self, name) - getattr(other, name) for name in Totals.model_fields}
        return Totals.model_construct(**{name: max(value, type(value)(0)) for name, value in taken.items()})


NONE = Totals.model_construct()
ByClass: TypeAlias = "Mapping[FailureClass, Totals]"


@dataclass
class AttemptLedger:
    """What failed in one run: totals by week and class; each attempt too, where somebody wants to see them."""

    totals: dict[tuple[Week, FailureClass], Totals] = field(default_factory=dict)
    attempts: list[Attempt] | None = None
    _questions: dict[str, tuple[FailureClass, float]] = field(default_factory=dict)
    """Open questions about failures: their class, and when they were asked."""
    _waits: dict[str, Attempt] = field(default_factory=dict)
    """Attempts, by call, after which there is a wait that isn't over."""

    def failed(self, call: CallState, event: CallFailed) -> None:
        """Count a failed attempt, which is the newest of its call's."""
        is_whole = call.what not in CONTAINERS and call.since is not None
        one = Attempt(
            event.failure, event.type, event.message, call.root, call.call, call.what, call.name, call.begun, event.at, event.final,
            max(0.0, event.at - (call.since or event.at)) if is_whole else 0.0, event.wait, event.input_tokens + event.output_tokens,
            event.cost, where=event.where,
        )  # fmt: skip
        self.add(one, is_new=all(before.failure != event.failure for before in call.failures[:-1]))
        self._waits = {name: before for name, before in self._waits.items() if before.at + before.wait > one.at}
        if one.wait:
            self._waits[call.call] = one

    def end_waits(self, calls: Iterable[str], at: float) -> None:
        """Count no more than what has passed of waits that end before their time, since something around them has ended."""
        for one in [self._waits.pop(call) for call in calls if call in self._waits] if self._waits else ():
            passed = max(0.0, min(one.wait, at - one.at))
            self._count(one.at, one.failure, NONE.model_copy(update={"waited": passed - one.wait}))
            if self.attempts is not None:
                self.attempts[self.attempts.index(one)] = replace(one, wait=passed)

    def refused(self, call: CallState, event: AnswerRefused) -> None:
        """Count an answer that came and was not accepted, with what its request cost."""
        answer = call.answer
        if answer is not None:
            one = Attempt(
                event.failure, event.type, event.message, call.root, call.call, call.what, call.name, call.begun, event.at,
                seconds=answer.seconds, tokens=answer.tokens, cost=answer.cost,
            )  # fmt: skip
            self.add(one)

    def cut_off(self, calls: Iterable[CallState], failure: FailureClass, cause: str, at: float | None = None) -> None:
        """Count attempts that began and whose end nobody saw; ``at``: when they were given up, where that is known."""
        for call in calls:
            if call.since is not None and call.what not in CONTAINERS:
                ended = call.since if at is None else max(call.since, at)
                one = Attempt(
                    failure, "CutOff", cause, call.root, call.call, call.what, call.name, call.begun, ended,
                    seconds=ended - call.since, is_known=call.what != "model",
                )  # fmt: skip
                self.add(one)

    def gave_up(self, step: str, failure: FailureClass, kind: str, cause: str, at: float) -> None:
        """Note that a step failed without a call that did: a limit was reached, a value is missing."""
        self.add(Attempt(failure, kind, cause, step, "", "step", step, 0, at, final=True))

    def add(self, one: Attempt, *, is_new: bool = True) -> None:
        """Count what failed; ``is_new``: no earlier attempt of its call failed in that class."""
        if self.attempts is not None:
            self.attempts.append(one)
        is_call = one.what not in CONTAINERS
        spent = Totals.model_construct(
            attempts=int(is_call),
            calls=int(is_call and is_new),
            seconds=one.seconds,
            waited=one.wait,
            tokens=one.tokens,
            cost=one.cost,
            questions=0,
            unknown=int(not one.is_known),
        )
        self._count(one.at, one.failure, spent)

    def ask(self, question: str, failure: FailureClass, at: float) -> None:
        """Count a question to a person about a failure."""
        if question not in self._questions:
            self._questions[question] = (failure, at)
            self._count(at, failure, Totals(questions=1))

    def close(self, question: str, at: float) -> None:
        """Count what was waited for a person, in the week of the question."""
        failure, asked = self._questions.pop(question, (None, at))
        if failure is not None:
            self._count(asked, failure, Totals(waited=max(0.0, at - asked)))

    def _count(self, at: float, failure: FailureClass, spent: Totals) -> None:
        key = (week_of(at), failure)
        self.totals[key] = self.totals.get(key, NONE) + spent

    def by_class(self) -> dict[FailureClass, Totals]:
        """Return what the failures of each class cost, the most attempts first."""
        return by_class((failure, totals) for (_, failure), totals in self.totals.items())


def by_class(found: Iterable[tuple[FailureClass, Totals]]) -> dict[FailureClass, Totals]:
    """Return sums by class, the most attempts first."""
    sums: dict[FailureClass, Totals] = {}
    for failure, totals in found:
        sums[failure] = sums.get(failure, NONE) + totals
    return dict(sorted(sums.items(), key=lambda one: (-one[1].attempts, one[0])))


def merged(*found: ByClass) -> dict[FailureClass, Totals]:
    """Return the sums of several totals by class."""
    return by_class(one for totals in found for one in totals.items())


def week_of(at: float) -> Week:
    """Return the ISO week of a time, in UTC."""
    year, week, _ = datetime.fromtimestamp(at, UTC).isocalendar()
    return f"{year}-W{week:02}"


def totals_as_json(totals: Totals) -> dict[str, Any]:
    """Return what failures cost as JSON; money as text, exact."""
    return totals.model_dump(mode="json") | {"minutes": round(totals.minutes, 3)}


def attempts_as_json(found: Iterable[Attempt]) -> list[dict[str, Any]]:
    """Return attempts as JSON, in their order."""
    return [{**{name: getattr(one, name) for name in Attempt.__slots__}, "cost": str(one.cost)} for one in found]
