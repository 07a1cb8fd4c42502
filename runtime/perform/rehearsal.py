"""A rehearsal: what a run would do if it were taken up now. Its code is executed, its record served; nothing is called or written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..commits import GroupCommit
from ..engine import Engine
from ..events import Event, QuestionAsked, StepFailed, TakenUp
from ..failures import DarnerError
from ..idle import Idle
from ..journal import blobs
from ..journal.binding import Binding
from ..journal.log import read_events
from ..ports import Json, Store
from ..replay import Replay
from ..state import RunState, fold
from .boundary import JournaledBoundary
from .flow import Surroundings, make_agents, taking_up
from .people.desk import Desk
from .people.people import People
from .people.rescue import Rescuing
from .people.telling import Telling
from .processes.caged import Cages
from .recording import Recording
from .steps import Steps
from .threads import Threads
from .world import SystemClock, chance

STILL = 0.05
"""Seconds in which nothing may change, so many times, before a rehearsal is over: code between two calls gets its turn."""

LOOKS = 2
AT_ONCE = 16
"""Rehearsals at once: each of them mostly waits to see that nothing more happens."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a run would do first."""

    new: int = 0
    """Calls that it would make, or people it would ask, before it can go on."""
    unasked: tuple[str, ...] = ()
    """Finished calls of open steps that it did not ask for on the way there: what of them is asked for later is served."""
    writes: tuple[str, ...] = ()
    """Those of them that wrote something, by name."""
    asks_again: tuple[str, ...] = ()
    """People who would be asked once more, because a question changed or an answer no longer fits."""
    fails: str | None = None
    """The first failure of the code itself, without any call."""


class _NoSecrets:
    """Secrets of a rehearsal, in which nobody is called."""

    def get(self, name: str) -> str:
        return f"rehearsed-{name}"


@dataclass
class _Shut:
    """A gate that nothing passes."""

    waiting: int = 0
    replays: list[Replay] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def passed(self) -> None:
        self.waiting += 1
        await self.over.wait()
        # Writes go to their end even where their step is cancelled: this one ends before it begins.
        raise asyncio.CancelledError

    def watch(self, replay: Replay) -> None:
        self.replays.append(replay)

    def refuse(self) -> None:
        pass


@dataclass
class _DryLog:
    """A journal that is read, and to which nothing is added."""

    store: Store
    run_id: str
    events: Sequence[Event]
    epoch: int
    noted: list[Event] = field(default_factory=list)

    def read(self) -> Iterator[Event]:
        return iter(self.events)

    def append(self, events: Sequence[Event]) -> None:
        self.noted.extend(events)

    def hold(self, seconds: float) -> None:
        pass

    def look(self) -> None:
        pass

    def load(self, digest: str) -> Json:
        return blobs.get(self.store, self.run_id, digest)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class _Glass:
    """A store that is looked at, and not touched: what is written into it is gone."""

    store: Any

    def put(self, name: str, content: bytes) -> None:
        pass

    def create(self, name: str, content: bytes) -> bool:  # noqa: ARG002 - the shape of `ports.Store`
        return True

    def delete(self, name: str) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def rehearse(store: Store, runs: Sequence[Binding]) -> list[Rehearsed]:
    """Return what each run would do if it were taken up now, with today's Python. Their modules must be importable.

    What can't be rehearsed at all (code that can't be imported, a damaged journal) is told as its failure.
    """
    return asyncio.run(_rehearse_all(store, runs))


async def _rehearse_all(store: Store, runs: Sequence[Binding]) -> list[Rehearsed]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(bound: Binding) -> Rehearsed:
        async with turns:
            try:
                return await _rehearse(store, bound, list(read_events(store, bound.run)))
            except DarnerError as error:
                return Rehearsed(fails=error.message)

    return await asyncio.gather(*map(one, runs))


async def _rehearse(store: Store, bound: Binding, events: Sequence[Event]) -> Rehearsed:
    before, state, clock = fold(events), fold(events), SystemClock()
    log = _DryLog(store, bound.run, events, state.epoch + 1)
    commits, idle, gate, threads = GroupCommit(log, state), Idle(), _Shut(), Threads()
    commits.note(taking_up(state, bound, store, TakenUp(at=clock.now(), epoch=log.epoch, owner="a rehearsal")))
    glass: Any = _Glass(store)
    around = Surroundings(_NoSecrets(), store=glass)
    async with make_agents(bound, around) as agents:
        people = People(
            bound.plan,
            bound.prompts,
            state,
            commits,
            clock,
            Desk(glass, bound.run, clock, idle),
            Telling(bound.plan, bound.run, state, clock, agents.tools),
        )
        recording = Recording(bound.run, bound.plan, state, commits, clock, chance, log.load, None, idle, people, gate)
        with closing(Cages(str(Path(bound.spec).parent), threads, bound.plan.resources)) as cages:
            steps = Steps(recording, agents, bound.lock, cages, threads)
            rescuing = Rescuing(steps, bound.plan, state, commits, people, idle, partial(JournaledBoundary, recording))
            engine = Engine(
                bound.plan, bound.lock, bound.inputs, bound.params, state, commits, rescuing, clock, log.load, steps.judge,
                rescuing.of_a_loop,
            )  # fmt: skip
            task = asyncio.ensure_future(engine.run())
            try:
                await _until_still(task, idle, gate, log)
                return _seen(before, state, gate, log)
            finally:
                gate.over.set()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def _until_still(task: asyncio.Future[None], idle: Idle, gate: _Shut, log: _DryLog) -> None:
    last, same = (-1, -1, -1), 0
    while not task.done() and same < LOOKS:
        now = (idle.changes, gate.waiting, len(log.noted))
        same = same + 1 if now == last else 0
        last = now
        await asyncio.sleep(STILL)
    if task.done() and not task.cancelled() and isinstance(error := task.exception(), Exception) and not isinstance(error, DarnerError):
        raise error


def _seen(before: RunState, state: RunState, gate: _Shut, log: _DryLog) -> Rehearsed:
    unasked = [call for replay in gate.replays if state.outcome(replay.path) is None for call in replay.left]
    asked = [one for one in log.noted if isinstance(one, QuestionAsked)]
    failures = (f"{one.step}: {one.message}" for one in log.noted if isinstance(one, StepFailed))
    return Rehearsed(
        new=gate.waiting + len(asked),
        unasked=tuple(one for one in unasked if before.calls[one].what != "human"),
        writes=tuple(before.calls[one].name for one in unasked if before.calls[one].effects == "write"),
        asks_again=tuple(one.human for one in asked if _is_again(before, state, one, unasked)),
        fails=next(failures, None),
    )


def _is_again(before: RunState, state: RunState, asked: QuestionAsked, unasked: Iterable[str]) -> bool:
    """Return whether somebody had been asked this before: by the same call, or by one that it takes the place of."""
    if asked.call in before.waits.questions:
        return True
    step = state.step_of(asked.parent)
    was_open = any(
        one.human == asked.human and (before.step_of(one.parent) == step or one.call not in state.waits.questions)  # its step is gone
        for one in before.waits.open
    )
    return was_open or any(before.calls[one].name == asked.human for one in unasked)
