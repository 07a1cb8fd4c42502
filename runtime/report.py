"""Events into a report: a run's steps, rounds, items and calls as a tree, with what each has used and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal

from ..compiler.plan import Lock, Plan, StepPlan
from ..compiler.quantities import format_money
from .events import QuestionAsked
from .known import CallState, Outcome
from .ports import Json
from .state import RunState

Status = Literal["done", "failed", "cancelled", "running", "waiting", "interrupted", "not started"]
_NUMBERS = re.compile(r"\[\d+\]|/\d+")


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call with the calls made for it. ``seconds`` is the last attempt's; ``cost`` is in US dollars."""

    call: str
    what: str
    name: str
    status: str
    attempts: int
    seconds: float
    requests: int
    tokens: int
    cost: str
    source: str
    """``made``, ``cache`` (an equal call's result was served) or ``fork`` (copied with the run that this is a fork of)."""
    failures: tuple[str, ...]
    calls: tuple[CallReport, ...]


@dataclass(frozen=True, slots=True)
class RoundReport:
    """One round of a loop."""

    round: int
    steps: tuple[StepReport, ...]
    calls: tuple[CallReport, ...]


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step, or one item of a mapped step, with what was used below it. ``seconds`` is the time in which it was worked on."""

    step: str
    status: str
    reason: str
    place: str
    attempts: int
    seconds: float
    requests: int
    tokens: int
    cost: str
    hits: int
    """Calls below it that a cache served."""
    drift: tuple[str, ...]
    """Calls on record that it was gone on without."""
    items: tuple[StepReport, ...]
    rounds: tuple[RoundReport, ...]
    calls: tuple[CallReport, ...]


@dataclass(frozen=True, slots=True)
class WaitReport:
    """What a run waits for: a question to a person, by its names in the journal, or a time. Times are seconds since 1970."""

    step: str
    question: str | None
    human: str | None
    text: str | None
    due: float | None
    about: str | None = None
    """Of a question: ``question``, ``approval``, ``rescue`` or ``reconcile``."""
    answer_schema: Json = None
    shown: Json = None
    at: float = 0.0
    """When it was asked, or the timer set."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run, folded from its journal. Times are seconds since 1970; ``epochs`` is how often it was taken up."""

    run: str
    plan: str
    status: Status
    user: str | None
    holder: str | None
    started: float | None
    finished: float | None
    epochs: int
    error: str | None
    outputs: Json
    requests: int
    tokens: int
    cost: str
    hits: int
    waiting: tuple[WaitReport, ...]
    steps: tuple[StepReport, ...]
    forked: str | None = None
    """The run that it is a fork of, and where: ``RUN at STEP``."""


def status_of(state: RunState, holder: str | None) -> Status:
    """Return how a run stands; ``holder`` is the process that holds it now, if any."""
    if state.finished is not None:
        return state.finished.status
    if state.started is None:
        return "not started"
    if holder:
        return "running"
    return "waiting" if state.waiting else "interrupted"


@dataclass
class _Used:
    """What was used below one place of the tree."""

    requests: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    hits: int = 0
    began: float | None = None
    ended: float | None = None

    def add(self, call: CallState) -> None:
        self.requests += call.requests
        self.tokens += call.tokens
        self.cost += call.cost
        self.hits += call.source == "cache"
        if call.began is not None:
            self.began = call.began if self.began is None else min(self.began, call.began)
        if call.ended is not None:
            self.ended = call.ended if self.ended is None else max(self.ended, call.ended)

    @property
    def span(self) -> float:
        return 0.0 if self.began is None or self.ended is None else max(0.0, self.ended - self.began)


@dataclass
class _Tree:
    """The tree of one run while it is read off its state."""

    state: RunState
    lock: Lock
    waiting: frozenset[str]
    _used: dict[str, _Used] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for call in self.state.calls.values():
            for path in _above(call.root):
                self._used.setdefault(path, _Used()).add(call)

    def scope(self, prefix: str, steps: Mapping[str, StepPlan]) -> tuple[StepReport, ...]:
        return tuple(self._step(f"{prefix}{name}", one) for name, one in steps.items())

    def _step(self, path: str, step: StepPlan) -> StepReport:
        items = self.state.maps.get(path)
        paths = [f"{path}[{index}]" for index in range(items.count)] if items else []
        below = tuple(self._one(one, step, self.state.steps.get(one), ()) for one in paths)
        return self._one(path, step, self.state.outcome(path), below)

    def _one(self, path: str, step: StepPlan, outcome: Outcome | None, items: tuple[StepReport, ...]) -> StepReport:
        calls = tuple(map(self.call, self.calls_of(path)))
        rounds = () if items else self._rounds(path, step)
        used = self._used.get(path, _Used())
        return StepReport(
            step=path,
            status=outcome.kind if outcome else self._open_status(path, begun=bool(calls or items or rounds)),
            reason=outcome.reason if outcome else "",
            place=self.lock.places.get(_NUMBERS.sub("", path).replace("/", "."), ""),
            attempts=max((one.attempts for one in calls), default=0),
            seconds=round(used.span if items else self.state.ledger.of(path).seconds, 3),
            requests=used.requests,
            tokens=used.tokens,
            cost=format_money(used.cost),
            hits=used.hits,
            drift=self.state.drift.get(path, ()),
            items=items,
            rounds=rounds,
            calls=calls,
        )

    def _open_status(self, path: str, *, begun: bool) -> str:
        if any(one == path or one.startswith((f"{path}/", f"{path}[")) for one in self.waiting):
            return "waiting"
        return "begun" if begun else "open"

    def _rounds(self, path: str, step: StepPlan) -> tuple[RoundReport, ...]:
        now = self.state.rounds.now.get(path)
        if step.loop is None or now is None:
            return ()
        told = []
        # A run under way lets go of its earlier rounds: they are there to be shown afterwards.
        for number in range(1 if self.state.keeps_rounds else now.number, now.number + 1):
            inside = f"{path}/{number}"
            calls = tuple(map(self.call, self.calls_of(inside)))
            told.append(RoundReport(number, self.scope(f"{inside}/", step.loop.steps), calls))
        return tuple(told)

    def calls_of(self, parent: str) -> Iterator[CallState]:
        return (self.state.calls[call] for call in self.state.below.get(parent, ()) if call in self.state.calls)

    def call(self, call: CallState) -> CallReport:
        return CallReport(
            call=call.call,
            what=call.what,
            name=call.name,
            status=_call_status(call),
            attempts=call.begun,
            seconds=round(call.seconds, 3),
            requests=call.requests,
            tokens=call.tokens,
            cost=format_money(call.cost),
            source=call.source,
            failures=tuple(f"{one.failure}: {one.type}: {one.message}" for one in call.failures),
            calls=tuple(map(self.call, self.calls_of(call.call))),
        )


def _above(path: str) -> Iterator[str]:
    """Yield a step's path, that of its map where it is an item, and those of the loops around it."""
    yield path
    for place in range(len(path) - 1, 0, -1):
        if path[place] in "[/":
            yield path[:place]


def _call_status(call: CallState) -> str:
    if call.payload is not None:
        return "done"
    if call.unsettled:
        return "uncertain"
    return "failed" if call.failures and call.failures[-1].final else "begun"


def report(run: str, compiled: tuple[Plan, Lock], state: RunState, *, holder: str | None, outputs: Json) -> RunReport:
    """Return the report of a run; ``outputs`` are its payload, loaded. Fold its state with ``keeps_rounds`` to see every round."""
    plan, lock = compiled
    tree = _Tree(state, lock, frozenset(state.step_of(one.parent) for one in state.waiting))
    return RunReport(
        run=run,
        plan=plan.plan,
        status=status_of(state, holder),
        user=state.started.user if state.started else None,
        holder=holder,
        started=state.started.at if state.started else None,
        finished=state.finished.at if state.finished else None,
        epochs=state.epoch,
        error=state.finished.error if state.finished else None,
        outputs=outputs,
        requests=state.requests,
        tokens=state.tokens,
        cost=format_money(state.cost),
        hits=sum(one.source == "cache" for one in state.calls.values()),
        waiting=waits(state),
        steps=tree.scope("", plan.steps),
        forked=state.started.forked if state.started else None,
    )


def waits(state: RunState) -> tuple[WaitReport, ...]:
    """Return what a run waits for."""
    return tuple(
        WaitReport(state.step_of(one.parent), one.question, one.human, one.text, one.due, one.about, one.answer_schema, one.shown, one.at)
        if isinstance(one, QuestionAsked)
        else WaitReport(state.step_of(one.parent), None, None, None, one.due, at=one.at)
        for one in state.waiting
    )


def as_json(told: RunReport) -> dict[str, Any]:
    """Return a report as JSON."""
    return asdict(told)
