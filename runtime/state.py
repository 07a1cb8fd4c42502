"""What is so: the events of a journal folded into one state. Nothing that is shown or decided comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from ..compiler.settings import FailureClass
from .conversations import Conversations
from .events import (
    AnswerRefused,
    CallFailed,
    CallFinished,
    CallMade,
    CallStarted,
    Drifted,
    Event,
    LetGo,
    MapExpanded,
    QuestionAsked,
    QuestionClosed,
    RoundStarted,
    RunFinished,
    RunParked,
    RunStarted,
    Said,
    StepFailed,
    StepFinished,
    StepSkipped,
    TakenUp,
    TimerSet,
    TurnAwaited,
)
from .known import Answer, CallState, MapState, Outcome, Payload
from .ledger import AttemptLedger
from .ports import Json
from .retry import AMBIGUOUS
from .rounds import Rounds, enclosing, inside
from .usage import UsageLedger
from .waits import Waits

_ITEM = re.compile(r"(.+)\[(\d+)\]")


@dataclass
class RunState:
    """A run, as its journal tells it. Fold events into it with `apply`."""

    started: RunStarted | None = None
    finished: RunFinished | None = None
    plan: str | None = None
    """The digest of the plan that it was last gone on with."""
    epoch: int = 0
    steps: dict[str, Outcome] = field(default_factory=dict)
    """Outcomes by step path (``rank``, ``research[3]``); a mapped step's own one is in `outcome`."""
    maps: dict[str, MapState] = field(default_factory=dict)
    calls: dict[str, CallState] = field(default_factory=dict)
    cached: dict[str, str] = field(default_factory=dict)
    """The call whose result equal ones are given, by cache key."""
    anew: set[str] = field(default_factory=set)
    """Steps that a person wants done anew, as long as they are open: no cache serves them."""
    conversations: Conversations = field(default_factory=Conversations)
    waits: Waits = field(default_factory=Waits)
    below: dict[str, dict[str, None]] = field(default_factory=dict)
    """Calls by their parent: a step's path or another call."""
    rounds: Rounds = field(default_factory=Rounds)
    ledger: UsageLedger = field(default_factory=UsageLedger)
    attempts: AttemptLedger = field(default_factory=AttemptLedger)
    """What failed, and what that cost."""
    drift: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Calls on record that a step was gone on without, by step path."""
    barren: int = 0
    """How often the run was taken up, one owner after the other killed, without a new result."""
    keeps_rounds: bool = False
    """Whether earlier rounds of loops are kept: to show them; nothing else needs them."""
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    @property
    def waiting(self) -> list[QuestionAsked | TimerSet]:
        """The questions and timers that are open."""
        return [] if self.finished is not None else self.waits.pending

    @property
    def tokens(self) -> int:
        """Tokens in and out together."""
        return self.input_tokens + self.output_tokens

    def outcome(self, name: str) -> Outcome | None:
        """Return how a step was settled, or None while it is open; a map is settled with its last item."""
        items = self.maps.get(name)
        if items is None or name in self.steps:
            return self.steps.get(name)
        if items.open:
            return None
        if items.failed:
            return self._failed_map(name, items)
        return Outcome("done")

    def _failed_map(self, name: str, items: MapState) -> Outcome:
        first = next(one for one in (self.steps[f"{name}[{index}]"] for index in range(items.count)) if one.kind == "failed")
        reason = f"{items.failed} of {items.count} items failed, the first with: {first.reason}"
        return Outcome("failed", reason=reason, failure=first.failure, type=first.type, place=first.place)

    def value(self, name: str, load: Callable[[str], Json]) -> Json:
        """Return the value of a step that is done; ``load`` gets large payloads. A map's is the list of its items'."""
        items = self.maps.get(name)
        if items is None:
            return _loaded(self.steps[name].payload, load)
        paths = (f"{name}[{index}]" for index in range(items.count))
        return [_loaded(self.steps[path].payload, load) for path in paths if self.steps[path].kind == "done"]

    def apply(self, event: Event) -> None:
        """Fold one event."""
        self._FOLDS[type(event)](self, event)

    def _start(self, event: RunStarted) -> None:
        self.started, self.plan = event, event.plan

    def _say(self, event: Said) -> None:
        self.conversations.say(event)

    def _finish(self, event: RunFinished) -> None:
        self.finished, self.barren = event, 0
        self._cut_off(self.calls, "exhausted", "the run ended", event.at, counts=event.status == "failed")

    def _let_go(self, event: LetGo | RunParked) -> None:
        self.waits.apply(event)
        self.barren = 0
        self._cut_off(self.calls, "preempted", "its process was told to stop", event.at)

    def _cut_off(self, calls: Iterable[str], failure: FailureClass, cause: str, at: float | None = None, *, counts: bool = True) -> None:
        """Note that whatever of these calls is under way will never be heard of; ``counts``: for a failure."""
        names = list(calls)
        open_ = [call for name in names if (call := self.calls.get(name)) is not None and call.since is not None]
        if at is not None and failure != "preempted":  # what is put off goes on waiting
            self.attempts.end_waits(names, at)
        if counts and not self._is_copied:
            self.attempts.cut_off(open_, failure, cause, at)
        for call in open_:
            call.since = None

    @property
    def _is_copied(self) -> bool:
        """Whether what is folded now happened to the run that this is a fork of, and is on its account."""
        return self.epoch == 0 and self.started is not None and self.started.forked is not None

    def _all_below(self, name: str) -> Iterator[str]:
        for call in self.below.get(name, ()):
            yield call
            yield from self._all_below(call)

    def _step_finished(self, event: StepFinished) -> None:
        self._settle(event.step, Outcome("done", self._payload(event)))

    def _step_skipped(self, event: StepSkipped) -> None:
        self._settle(event.step, Outcome("skipped", reason=event.reason))

    def _step_failed(self, event: StepFailed) -> None:
        last = Payload(event.value, event.blob)
        self._cut_off(self._all_below(event.step), event.failure, f"{event.step} failed", event.at)
        if event.calls == () and not self._is_copied:
            self.attempts.gave_up(event.step, event.failure, event.type, event.message, event.at)
        self._settle(event.step, Outcome("failed", last, event.message, event.failure, event.type, event.place, event.calls))

    def _expand(self, event: MapExpanded) -> None:
        self.rounds.note(event.step)
        self.maps[event.step] = MapState(event.count, dict.fromkeys(range(event.count)))

    def _note_drift(self, event: Drifted) -> None:
        self.drift[event.step] = event.calls

    def _take_up(self, event: TakenUp) -> None:
        """Open again what failed: a run that is taken up tries it anew, and keeps everything that it paid for."""
        self.waits.apply(event)
        self._cut_off(self.calls, "crashed", "its process was killed")
        self.epoch, self.plan = event.epoch, event.plan or self.plan
        self.barren += 1
        if self.finished is not None and (self.finished.status == "failed" or event.redo):
            self.finished = None
        for name in event.redo:
            self._forget_calls(self._forget(name))
        for name in event.again:
            self._forget(name)
        self._wait_no_longer(event.gone)
        self.anew = {name for name in self.anew if self.outcome(name) is None} | set(event.redo)
        for call in self.calls.values():
            call.attempts = 0
        failed = (path for path, one in self.steps.items() if one.kind == "failed" and not self._is_over(path))
        for path in () if event.keeps else list(failed):
            self._reopen(path)

    def _wait_no_longer(self, calls: Iterable[str]) -> None:
        for call in calls:
            self.ledger.end_wait(call)
        self.waits.drop(calls)

    def _is_over(self, path: str) -> bool:
        """Return whether a loop around a step is settled all the same: it was skipped, as its policy says."""
        *loops, _ = enclosing(path)
        return any(one in self.steps and self.steps[one].kind != "failed" for one in loops)

    def _forget(self, name: str) -> set[str]:
        """Drop the outcomes of a step and its items, and return their paths."""
        own = {name, *(f"{name}[{index}]" for index in range(self.maps[name].count if name in self.maps else 0))}
        own |= {path for one in sorted(own) for path in self.rounds.drop(one)}
        for path in own:
            self.steps.pop(path, None)
            self.maps.pop(path, None)
            self.drift.pop(path, None)
        return own

    def _begin_round(self, event: RoundStarted) -> None:
        before = self.rounds.begin(event)
        self.barren = 0
        if before is not None and before.number != event.round and not self.keeps_rounds:
            self._drop(self.rounds.drop_round(event.step, before.number))

    def _drop(self, paths: Iterable[str]) -> None:
        """Let go of what belongs to a round that is over; a result that equal calls are given stays."""
        for path in paths:
            self.steps.pop(path, None)
            self.maps.pop(path, None)
            self.ledger.drop(path)
            waiting = list(self.below.pop(path, ()))
            while waiting:
                call = waiting.pop()
                waiting.extend(self.below.pop(call, ()))
                self.ledger.drop(call)
                told = self.calls[call].cached
                if told is None or self.cached.get(told.key) != call:
                    del self.calls[call]

    def _forget_calls(self, parents: set[str]) -> None:
        while parents:
            self.waits.forget(parents)
            parents = {call for parent in parents for call in self.below.pop(parent, ()) if call in self.calls}
            for call in parents:
                self.ledger.drop(call)
                self.conversations.forget(self.calls[call].name, call)
                gone = self.calls.pop(call).cached
                if gone is not None and self.cached.get(gone.key) == call:
                    del self.cached[gone.key]

    def _reopen(self, path: str) -> None:
        blamed = self.steps.pop(path).calls
        self._try_again(call for call in self.below.get(path, ()) if blamed is None or call in blamed)
        items, index = self._item(path)
        if items is not None:
            items.failed -= 1
            items.open = dict.fromkeys(sorted((*items.open, index)))

    def _try_again(self, calls: Iterable[str]) -> None:
        """Raise the failures of some calls no longer as they are on record.

        Of what was made for an agent only what failed with it is made anew, refused answers too: what another model answered
        in the place of one that failed, or after a conversation was made shorter, is served.
        """
        waiting = [(call, False) for call in calls]
        while waiting:
            name, is_blamed = waiting.pop()
            call = self.calls[name]
            told, call.given_up = call.given_up, None
            if is_blamed and call.payload is not None:
                self._make_anew(call)
            if told is None or told.calls is None:
                waiting.extend((one, False) for one in self.below.get(name, ()))
            else:
                waiting.extend((one, True) for one in told.calls if one in self.calls)

    def _make_anew(self, call: CallState) -> None:
        call.payload, call.former = None, call.payload
        if call.cached is not None and self.cached.get(call.cached.key) == call.call:
            del self.cached[call.cached.key]

    def _item(self, path: str) -> tuple[MapState | None, int]:
        found = _ITEM.fullmatch(path) if path.endswith("]") else None
        return (self.maps.get(found[1]), int(found[2])) if found else (None, 0)

    def step_of(self, parent: str) -> str:
        """Return the path of the step on whose behalf a call is made, however deep."""
        while parent in self.calls:
            parent = self.calls[parent].parent
        return parent

    def _settle(self, path: str, outcome: Outcome) -> None:
        self.steps[path] = outcome
        self.ledger.settle(path)
        self.rounds.note(path)
        self.barren = 0
        if self.waits.questions or self.waits.timers:
            self._wait_no_longer([one.call for one in self.waits.pending if self.step_of(one.parent) == path])
        items, index = self._item(path)
        if items is not None:
            items.open.pop(index, None)
            setattr(items, outcome.kind, getattr(items, outcome.kind) + 1)

    def _payload(self, event: StepFinished) -> Payload:
        if event.call is None:
            return Payload(event.value, event.blob)
        return self.calls[event.call].payload or Payload()

    def _wait(self, event: QuestionAsked | TimerSet) -> None:
        self.waits.apply(event)
        path = self.step_of(event.parent)
        if isinstance(event, QuestionAsked) and event.about in {"rescue", "reconcile"} and not self._is_copied:
            shown = event.shown if isinstance(event.shown, dict) else {}
            self.attempts.ask(event.question, shown.get("failure") or ("crashed" if event.about == "reconcile" else "exhausted"), event.at)
        self.ledger.tick(path, event.at, self.epoch)
        self.ledger.begin_wait(event.call, path)

    def _turn_awaited(self, event: TurnAwaited) -> None:
        path = self.step_of(event.parent)
        self.ledger.tick(path, event.at, self.epoch)
        if event.over:
            self.ledger.end_wait(event.call)
        else:
            self.ledger.begin_wait(event.call, path)

    def _question_closed(self, event: QuestionClosed) -> None:
        """An answer is the result of the call that asked; an approval or a rescue decides about another one."""
        self.waits.apply(event)
        self.attempts.close(event.question, event.at)
        one = self.waits.questions.get(event.call)
        if one is not None:
            self.ledger.tick(self.step_of(one.asked.parent), event.at, self.epoch)
            self.ledger.end_wait(event.call)
        if (
            one is not None
            and one.asked.about == "rescue"
            and isinstance(event.value, dict)
            and event.value.get("verdict") in {"retry", "raise"}
        ):
            self._rescue(one.asked.parent, event.value["verdict"])
        if one is None or one.asked.about != "question" or event.by not in {"answer", "default"}:
            return
        asked = one.asked
        call = self._known(event.call, asked.parent, "human", asked.human, event.at)
        call.payload, call.seconds = Payload(event.value, event.blob), max(0.0, event.at - asked.at)

    def _rescue(self, path: str, verdict: str) -> None:
        """Try again what failed; of a loop the steps of its round that did, or the whole round where none did, and that is wanted."""
        self._try_again(self.below.get(path, ()))
        now = self.rounds.now.get(path)
        if now is None:
            return
        around = f"{inside(path, now.number)}/"
        failed = [one for one, outcome in self.steps.items() if outcome.kind == "failed" and one.startswith(around)]
        for one in failed:
            self._reopen(one)
        if not failed and verdict == "retry":
            for one in [one for one in (*self.steps, *self.maps, *self.rounds.now) if one.startswith(around)]:
                self._forget(one)

    def _known(self, name: str, parent: str, what: str, callee: str, at: float) -> CallState:
        """Return a call, noted where it belongs when it is first heard of."""
        call = self.calls.get(name)
        if call is None:
            above = self.calls.get(parent)
            call = self.calls[name] = CallState(name, parent, what, callee, root=parent if above is None else above.root)
            self.below.setdefault(parent, {})[name] = None
            self.rounds.note(call.root)
        self.ledger.tick(call.root, at, self.epoch)
        return call

    def _call_made(self, event: CallMade) -> None:
        self._call_started(event)
        self._call_finished(event)

    def _call_started(self, event: CallStarted | CallMade) -> None:
        at = event.began if type(event) is CallMade else event.at
        call = self._known(event.call, event.parent, event.what, event.name, at)
        call.effects, call.task, call.given_up = event.effects, event.task, None
        self.ledger.end_wait(event.call)
        self.waits.timers.pop(event.call, None)
        self.conversations.begin(event.name, event.call)
        call.attempts, call.begun = call.attempts + 1, call.begun + 1
        call.unsettled, call.since = event.effects == "write", at
        call.began = at if call.began is None else call.began

    def _call_finished(self, event: CallFinished) -> None:
        self.waits.timers.pop(event.call, None)
        call = self._known(event.call, event.parent, event.what, event.name, event.at)
        self.ledger.end_wait(event.call)
        call.payload = Payload(event.value, event.blob)
        call.unsettled, call.since, self.barren = False, None, 0
        call.answer = Answer(event.input_tokens + event.output_tokens, event.cost, event.seconds) if event.what == "model" else None
        self.conversations.finish(event.name, event.call, event.replaces)
        call.ended, call.fingerprint = event.at, event.fingerprint
        call.source, call.cached = event.source, event.cached
        if event.cached is not None and (not event.cached.hit or event.cached.key not in self.cached):
            self.cached[event.cached.key] = event.call
        call.seconds, call.requests = event.seconds, call.requests + event.requests
        self.requests += event.requests
        self._count(call, event)

    def _call_failed(self, event: CallFailed) -> None:
        call = self._known(event.call, event.parent, "callable", event.name, event.at)
        call.failures.append(event)
        if event.lost:
            self.conversations.lose(event.name, event.lost)
        if not self._is_copied:
            self.attempts.failed(call, event)
        self._cut_off(self._all_below(event.call), event.failure, f"{event.name} failed", event.at)
        call.ended, call.since = event.at, None
        call.given_up, self.barren = event if event.final else None, 0
        if event.failure == "throttled" and not event.final:
            self.ledger.begin_wait(event.call, call.root)
        call.unsettled = call.unsettled and event.failure in AMBIGUOUS
        self._count(call, event)

    def _answer_refused(self, event: AnswerRefused) -> None:
        call = self.calls.get(event.call)
        if call is not None:
            if not self._is_copied:
                self.attempts.refused(call, event)
            call.answer, call.refused = None, call.refused + 1

    def _count(self, call: CallState, event: CallFinished | CallFailed) -> None:
        if not (event.input_tokens or event.output_tokens or event.cost):
            return
        call.tokens += event.input_tokens + event.output_tokens
        call.cost += event.cost
        tokens = event.input_tokens + event.output_tokens
        self.ledger.count(call.root, tokens, event.cost)
        above = self.calls.get(call.parent)
        while above is not None:
            if above.what == "agent":
                self.ledger.count_one(above.call, tokens, event.cost)
            above = self.calls.get(above.parent)
        self.input_tokens += event.input_tokens
        self.output_tokens += event.output_tokens
        self.cost += event.cost

    # By type: a chain of patterns asks pydantic's metaclass, kind after kind, and takes five times as long.
    _FOLDS: ClassVar[Mapping[type[Any], Callable[..., None]]] = {
        RunStarted: _start,
        TakenUp: _take_up,
        CallStarted: _call_started,
        CallFinished: _call_finished,
        CallMade: _call_made,
        Said: _say,
        CallFailed: _call_failed,
        AnswerRefused: _answer_refused,
        StepFinished: _step_finished,
        StepSkipped: _step_skipped,
        StepFailed: _step_failed,
        MapExpanded: _expand,
        RoundStarted: _begin_round,
        Drifted: _note_drift,
        QuestionAsked: _wait,
        QuestionClosed: _question_closed,
        TimerSet: _wait,
        TurnAwaited: _turn_awaited,
        RunParked: _let_go,
        LetGo: _let_go,
        RunFinished: _finish,
    }


def _loaded(payload: Payload, load: Callable[[str], Json]) -> Json:
    return payload.value if payload.blob is None else load(payload.blob)


def fold(events: Iterable[Event]) -> RunState:
    """Return the state that events lead to."""
    state = RunState()
    for event in events:
        state.apply(event)
    return state


def fold_for_views(events: Iterable[Event]) -> RunState:
    """Return the state that events lead to, with every round of every loop, and every failed attempt: to show them."""
    state = RunState(keeps_rounds=True, attempts=AttemptLedger(attempts=[]))
    for event in events:
        state.apply(event)
    return state
