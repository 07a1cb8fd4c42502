"""The part of a journal that a fork begins with: results and answers before the point, and nothing that is still open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from ..compiler.diagnostics import did_you_mean
from ..compiler.plan import Plan, StepPlan
from . import graph
from .events import (
    CallFailed,
    CallFinished,
    CallMade,
    CallStarted,
    Event,
    MapExpanded,
    QuestionAsked,
    QuestionClosed,
    RoundStarted,
    Said,
    StepFinished,
    StepSkipped,
    TakenUp,
    TimerSet,
)
from .failures import Refused
from .known import CallState
from .state import RunState

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[(\d+)\])?")
StepEvent: TypeAlias = StepFinished | StepSkipped | MapExpanded | RoundStarted
CallEvent: TypeAlias = CallStarted | CallFinished | CallFailed | Said | QuestionAsked | QuestionClosed | TimerSet


@dataclass(frozen=True, slots=True)
class _Place:
    """One step of a path: its item, the round that the path goes on in, and the rest."""

    name: str
    index: int | None = None
    round: int | None = None
    rest: str = ""


def _place(path: str) -> _Place | None:
    head, _, tail = path.partition("/")
    found = _STEP.fullmatch(head)
    number, _, rest = tail.partition("/")
    if found is None or (tail and not number.isdigit()):
        return None
    return _Place(found[1], int(found[2]) if found[2] else None, int(number) if number else None, rest)


@dataclass(frozen=True)
class Point:
    """Where a run is forked: a step (``rank``), an item of one (``rank[3]``), a round of a loop (``improve/2``) or a step in it."""

    plan: Plan
    at: str

    def refuse_unknown(self) -> None:
        """Raise `Refused` where the plan has no such place."""
        self._check(self.at, self.plan.steps)

    def _check(self, at: str, steps: Mapping[str, StepPlan]) -> None:
        place = _place(at)
        if place is None or place.name not in steps:
            near = did_you_mean(place.name if place else at, steps)
            raise Refused(f"there is no step {at} in {self.plan.plan}", help=near or f"its steps are {', '.join(steps)}")
        loop = steps[place.name].loop
        if place.round is not None and loop is None:
            raise Refused(f"{place.name} is no loop, so it has no round {place.round}", help=f"write --at {place.name}")
        if place.index is not None and steps[place.name].map is None:
            raise Refused(f"{place.name} is not mapped, so it has no item {place.index}", help=f"write --at {place.name}")
        if place.rest and loop is not None:
            self._check(place.rest, loop.steps)

    def refuse_unreached(self, state: RunState) -> None:
        """Raise `Refused` where the run never came to the item, or the round, of which the point speaks."""
        around, at = "", self.at
        while (place := _place(at)) is not None:
            path = around + place.name
            items, now = state.maps.get(path), state.rounds.now.get(path)
            if place.index is not None and items is not None and place.index >= items.count:
                _refuse_far(path, f"item {place.index}", f"its items are 0 to {items.count - 1}" if items.count else "it has none")
            if place.round is not None and now is not None and place.round > now.number:
                _refuse_far(path, f"round {place.round}", f"it came to round {now.number}")
            around, at = f"{path}/{place.round}/", place.rest

    def is_before(self, path: str) -> bool:
        """Return whether a step's path lies before the point: neither at it, nor downstream of it."""
        return self._is_before(path, self.at, self.plan.steps)

    def _is_before(self, path: str, at: str, steps: Mapping[str, StepPlan]) -> bool:
        one, here = _place(path), _place(at)
        if one is None or here is None or one.name not in steps:
            return False
        if one.name != here.name:
            return one.name not in self._dependants(here.name, steps)
        if here.index is not None and one.index != here.index:
            return one.index is not None
        if here.round is None or one.round is None or one.round != here.round:
            return here.round is not None and one.round is not None and one.round < here.round
        loop = steps[one.name].loop
        return bool(here.rest and one.rest and loop is not None and self._is_before(one.rest, here.rest, loop.steps))

    def _dependants(self, name: str, steps: Mapping[str, StepPlan]) -> tuple[str, ...]:
        return graph.dependants(graph.build(self.plan.model_copy(update={"steps": dict(steps)})), [name])

    def is_inside(self, path: str) -> bool:
        """Return whether the point lies in one of the items, or one of the rounds, of a step."""
        return self.at.startswith((f"{path}[", f"{path}/"))

    def keeps_round(self, event: RoundStarted) -> bool:
        """Return whether a round's beginning is kept: of earlier rounds, and of the one that the point is in."""
        if self.is_before(event.step):
            return True
        number = self.at.removeprefix(f"{event.step}/").partition("/")[0]
        return self.at.startswith(f"{event.step}/") and number.isdigit() and event.round <= int(number)


def _refuse_far(path: str, what: str, there: str) -> None:
    raise Refused(f"{path} has no {what} in this run: {there}", help=f"`darner show RUN` lists them; --at {path} opens all of it")


def prefix(events: Iterable[Event], state: RunState, point: Point) -> list[Event]:
    """Return the events that a fork begins with, after its `RunStarted`.

    Args:
        events: the run's journal.
        state: what they lead to, with every round (`state.fold_for_views`).
        point: where it is forked; of the plan that the fork is bound to.
    """
    kept: dict[tuple[Any, ...], Event] = {}
    for event in _apart(events):
        if isinstance(event, TakenUp):
            kept = {key: one for key, one in kept.items() if not _is_forgotten(one, event, state)}
        elif (isinstance(event, StepEvent) and _keeps_step(event, point)) or (
            isinstance(event, CallEvent) and _keeps_call(event, state, point)
        ):
            kept.pop(_key(event), None)
            kept[_key(event)] = _copied(event)
    return list(kept.values())


def _apart(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        yield from event.apart() if isinstance(event, CallMade) else (event,)


def _key(event: StepEvent | CallEvent) -> tuple[Any, ...]:
    """Return what an event replaces an earlier one by: of each thing the last that was said counts."""
    match event:
        case RoundStarted():
            return ("round", event.step, event.round)
        case MapExpanded():
            return ("map", event.step)
        case StepFinished() | StepSkipped():
            return ("step", event.step)
        case Said():
            return ("said", event.call, event.blob, repr(event.value))
        case _:
            return (event.kind, event.call)


def _is_forgotten(event: Event, taken: TakenUp, state: RunState) -> bool:
    if isinstance(event, StepEvent):
        return _root(event.step) in {*taken.redo, *taken.again}
    return isinstance(event, CallEvent) and _root(_path_of(event, state)) in taken.redo


def _root(path: str) -> str:
    found = _STEP.match(path)
    return found[1] if found else path


def _path_of(event: CallEvent, state: RunState) -> str:
    """Return the path of the step on whose behalf a call is made."""
    call = state.calls.get(event.call)
    return call.root if call is not None else state.step_of(getattr(event, "parent", ""))


def _keeps_step(event: StepEvent, point: Point) -> bool:
    if isinstance(event, RoundStarted):
        return point.keeps_round(event)
    if isinstance(event, MapExpanded) and point.is_inside(event.step):
        return True
    return point.is_before(event.step)


def _keeps_call(event: CallEvent, state: RunState, point: Point) -> bool:
    call = state.calls.get(event.call)
    if call is None or not point.is_before(call.root):
        return False
    if call.payload is not None:
        is_kept = not isinstance(event, CallFailed) or bool(event.lost)
        return is_kept and not _is_refused(state, call)
    if isinstance(event, CallFailed):
        return event.final and call.given_up is not None and not _is_blamed(state, call)
    # What began and never ended: a read tells on whose behalf finished calls were made; a write's intent is nobody's.
    return isinstance(event, CallStarted) and call.effects != "write" and call.what != "human"


def _is_refused(state: RunState, call: CallState) -> bool:
    """Return whether a result was refused, and whoever asked failed with it: it is made anew."""
    above = state.calls.get(call.parent)
    return above is not None and above.given_up is not None and call.call in (above.given_up.calls or ()) and _is_blamed(state, above)


def _is_blamed(state: RunState, call: CallState) -> bool:
    """Return whether a step failed with a call's failure: it is open in the fork, and the call is made anew."""
    outcome = state.steps.get(call.root)
    if outcome is None or outcome.kind != "failed":
        return False
    above: CallState | None = call
    below: CallState | None = None
    while above is not None:
        named = above.given_up.calls if above.given_up is not None else None
        if below is not None and named is not None and below.call not in named:
            return False  # another model answered in its place
        if outcome.calls is None or above.call in outcome.calls:
            return True
        below, above = above, state.calls.get(above.parent)
    return False


def _copied(event: StepEvent | CallEvent) -> Event:
    """Return an event as a fork has it: what was used is on the other run's account."""
    if isinstance(event, CallFinished):
        free = {"requests": 0, "input_tokens": 0, "output_tokens": 0, "cost": Decimal(0), "source": "fork"}
        return event.model_copy(update=free)
    if isinstance(event, CallFailed):
        return event.model_copy(update={"input_tokens": 0, "output_tokens": 0, "cost": Decimal(0), "wait": 0.0})
    return event


def blobs_of(events: Iterable[Event]) -> list[str]:
    """Return the digests of the large payloads that events name, each once."""
    return list(dict.fromkeys(blob for event in events if (blob := getattr(event, "blob", None)) is not None))
