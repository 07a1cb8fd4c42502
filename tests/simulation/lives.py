"""Lives of a run of chance in virtual time, each a process's share of it: until it crashes, is cancelled, waits, or is over."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from darner.compiler.plan import Lock, Plan
from darner.runtime.answers import Answer
from darner.runtime.events import CallFinished, Event, QuestionAsked, TimerSet
from darner.runtime.journal import paths
from darner.runtime.journal.binding import Binding
from darner.runtime.perform import flow
from darner.runtime.perform.flow import Surroundings
from darner.runtime.perform.people import desk
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState, fold

from .town import TOWN, Town
from .virtual import START, MemoryStore, VirtualClock, VirtualLoop
from .worlds import Crash, CrashingLog

RUN = "simulated"
PATIENCE = 20_000.0
"""Seconds without an event after which a life hangs: longer than all attempts and waits of anything in a plan."""
LIVES = 400
_STORIES = count()


@dataclass(frozen=True)
class Fate:
    """What befalls a run from outside: crashes at commits, how the person answers, when somebody cancels it."""

    crashes: tuple[tuple[int, bool], ...] = ()
    answers: float = 0.7
    """How many questions are answered at all."""
    cancelled: float | None = None
    """Seconds after the start of a life."""
    order: int = 0


class HeardLog(CrashingLog):
    """A journal whose loop hears of every commit; each takes its time, sometimes long enough to be written by a thread."""

    def __init__(self, events: Sequence[Event], commits: int, *, before: bool, loop: VirtualLoop, chance: random.Random) -> None:
        super().__init__(events, commits, before=before)
        self._loop = loop
        self._chance = chance

    def begin(self, events: Sequence[Event]) -> None:
        """Take a commit."""
        if any(one.kind not in {"run_parked", "taken_up"} for one in events):
            self._loop.hear()
        self._loop.virtual += self._chance.choice([0.0, 0.0, 0.001, 0.02])
        super().begin(events)


@dataclass
class Story:
    """A run, life by life."""

    plan: Plan
    town: Town
    fate: Fate = field(default_factory=Fate)
    store: MemoryStore = field(default_factory=MemoryStore)
    events: list[Event] = field(default_factory=list)
    now: float = START
    lives: int = 0
    ends: list[str] = field(default_factory=list)
    """How each life ended: crashed, or as the run stood then."""
    inputs: Any = None
    runs: Callable[[Plan], Plan] = lambda plan: plan
    """What the engine is given for the plan: itself, unless it is to be a broken one."""
    keeps: type[HeardLog] = HeardLog
    takes_up: Callable[[Iterable[Event]], RunState] = fold
    clock: type[VirtualClock] = VirtualClock
    story: str = field(default_factory=lambda: f"{next(_STORIES):08d}")

    def tell(self) -> RunState:
        """Go on until the run is over; return its state."""
        while self.lives < LIVES:
            state = self.live()
            if state is not None and state.finished is not None:
                return state
            if state is not None and state.waits.parked:
                self._meanwhile(state)
        raise AssertionError(f"not over after {LIVES} lives: {Counter(self.ends)}")

    def live(self) -> RunState | None:
        """Live once; None where the process was gone at the end."""
        commits, before = self.fate.crashes[self.lives] if self.lives < len(self.fate.crashes) else (0, False)
        loop = VirtualLoop(self.now)
        loop.patience = PATIENCE
        chance = random.Random(f"{self.fate.order} {self.lives}")
        log = self.keeps(self.events, commits, before=before, loop=loop, chance=chance)
        state, is_gone = self.takes_up(log.read()), False
        self.lives += 1
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                try:
                    runner.run(self._live(log, state))
                except Crash:
                    is_gone = True
        finally:
            self.events, self.now = list(log.events), loop.virtual
        self.ends.append("crashed" if is_gone else _end(state))
        return None if is_gone else state

    async def _live(self, log: HeardLog, state: RunState) -> None:
        TOWN.set(self.town)
        bound = Binding(RUN, self._placed(), Lock(), {}, self.inputs, {}, "simulated/spec.yaml")
        around = Surroundings(EnvironmentSecrets({}), clock=self.clock(), store=self.store, woken=True)
        agents = flow.make_agents(bound, around)
        outside = [asyncio.ensure_future(self._answering(log))]
        if self.fate.cancelled is not None:
            outside.append(asyncio.ensure_future(self._cancelling(self.fate.cancelled)))
        try:
            await flow._drive(log, state, bound, around, agents, ())
            self._nothing_is_left(set(outside))
        finally:
            for one in outside:
                one.cancel()
            agents.tools.close()

    def _placed(self) -> Plan:
        """Return the plan with models that are this story's own: what a provider allows is known by all who use it."""
        own = {name: one.model_copy(update={"params": {**one.params, "story": self.story}}) for name, one in self.plan.models.items()}
        return self.runs(self.plan).model_copy(update={"models": own})

    def _nothing_is_left(self, known: set[asyncio.Future[Any]]) -> None:
        left = [one for one in asyncio.all_tasks() if one is not asyncio.current_task() and one not in known]
        # Cancelled in the turn of the loop in which a run of theirs begins, pydantic-ai leaves a task that waits for ever: it does
        # nothing, and is cancelled with its loop.
        ours = [one for one in left if "ScopedTask" not in str(one.get_coro())]
        assert not ours, f"still under way at the end: {ours}"
        assert not self.town.now.total(), f"still under way at the end: {+self.town.now}"

    async def _cancelling(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.store.create(paths.cancel(RUN), Answer("cancelled", who="ada").text())

    async def _answering(self, log: HeardLog) -> None:
        """Answer questions of this life, some time after they were asked."""
        while True:
            await asyncio.sleep(2.0)
            for asked in fold_open(log.events):
                if self._wants_to(asked, "now"):
                    self._answer(asked)

    def _wants_to(self, asked: QuestionAsked, when: str) -> bool:
        return random.Random(f"{self.town.seed} {asked.question} {when}").random() < self.fate.answers

    def _answer(self, asked: QuestionAsked) -> None:
        chance = random.Random(f"{self.town.seed} {asked.question} {asked.about}")
        value: Any = "yes"
        if asked.about == "rescue":
            given = {"flag": True, "list": [1], "number": 1}
            value = chance.choice([{"verdict": "value", "value": given}, {"verdict": "retry"}, {"verdict": "skip"}, {"verdict": "abort"}])
        desk.give(self.store, RUN, asked.question, Answer("answer", value, "ada"))

    def _meanwhile(self, state: RunState) -> None:
        """Let the time pass until something is due; people may answer meanwhile, and do where nothing but reminders ever is due."""
        due = min((one for one in state.waits.times() if one > self.now and one < START * 2), default=None)
        is_theirs = all(_ends(one) <= self.now for one in state.waits.pending)
        for asked in state.waits.open:
            if is_theirs or self._wants_to(asked, "parked"):
                self._answer(asked)
        self.now = max(self.now, due or self.now) + 0.5


def _ends(waited: QuestionAsked | TimerSet) -> float:
    """Return when something that is waited for ends by itself; where it never does, when somebody is reminded of it first."""
    if waited.due is not None:
        return waited.due
    return waited.at + waited.remind if isinstance(waited, QuestionAsked) and waited.remind is not None else 0.0


def fold_open(events: Sequence[Event]) -> list[QuestionAsked]:
    """Return the open questions of a journal."""
    asked = {one.question: one for one in events if isinstance(one, QuestionAsked)}
    for one in events:
        if one.kind == "question_closed":
            asked.pop(one.question, None)
    return list(asked.values())


def _end(state: RunState) -> str:
    if state.finished is not None:
        return state.finished.status
    return "waiting" if state.waits.parked else "left"


def results(events: Sequence[Event]) -> Counter[str]:
    """Return how often each call has a result."""
    return Counter(one.call for one in events if isinstance(one, CallFinished))


def end(state: RunState) -> tuple[Any, ...]:
    """Return what a run came to."""
    assert state.finished is not None
    return state.finished.status, state.finished.outputs, {path: one.kind for path, one in state.steps.items()}
