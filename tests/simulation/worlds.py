"""A world in one process: a seed gives the plan, the order, the faults, the clock and the crashes.

A crash is an exception out of the journal: the life that hears it is over, and the next one has what was durable.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from darner.compiler.plan import Lock, Plan, StepPlan
from darner.runtime.commits import GroupCommit
from darner.runtime.engine import Engine, Result
from darner.runtime.events import CallFinished, Event, RunStarted, TakenUp
from darner.runtime.failures import Network
from darner.runtime.keys import Ordinals, digest
from darner.runtime.looping import Verdict
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.recording import Recording
from darner.runtime.ports import CallRequest, Json, Outcome, Permit
from darner.runtime.replay import Replay
from darner.runtime.state import RunState, fold
from darner.testing import MemoryLog


class Crash(BaseException):
    """The process is gone."""


class CrashingLog(MemoryLog):
    """A journal whose owner is gone at a commit: just before it is durable (what was begun is lost), or right after."""

    def __init__(self, events: Sequence[Event], commits: int, *, before: bool) -> None:
        super().__init__(events)
        self._left = commits
        self._before = before
        self._begun: list[Event] = []

    def append(self, events: Sequence[Event]) -> None:
        """Keep a commit, unless it is the one."""
        self.begin(events)
        self.finish()

    def begin(self, events: Sequence[Event]) -> None:
        """Take a commit, which is lost until it is finished."""
        self._begun.extend(events)

    def finish(self) -> None:
        """Keep the commit, unless it is the one."""
        self._left -= 1
        if self._left == 0 and self._before:
            raise Crash
        events, self._begun = self._begun, []
        super().append(events)
        if self._left == 0:
            raise Crash


class SeededClock:
    """A clock that goes on by chance, now and then backwards; sleeping is over at once."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._now = 1_767_225_600.0

    def now(self) -> float:
        """Return seconds since 1970."""
        self._now += self._chance.choice([0.0, 0.001, 1.0, 30.0, -5.0])
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Let others go first."""
        self._now += seconds
        await asyncio.sleep(0)


@dataclass
class World:
    """What is outside of the run, over all its lives. What a call gives depends on what it is asked, and on nothing else."""

    asked: Counter[str] = field(default_factory=Counter)
    """Bodies that ran, by call."""
    faults: Counter[str] = field(default_factory=Counter)
    """Failures of chance by call, over all lives."""
    effects: set[str] = field(default_factory=set)
    """Idempotency keys of writes that happened."""

    def answer(self, request: CallRequest, permit: Permit) -> Json:
        """Answer a call."""
        self.asked[permit.call_id] += 1
        if request.effects == "write":
            self.effects.add(permit.idempotency_key)
        number = int(digest([request.name, request.arguments])[:8], 16)
        return {"flag": number % 3 != 0, "list": list(range(number % 3)), "number": number}


@dataclass
class Life:
    """One process: it performs steps through a real boundary, in an order of chance, with faults of chance."""

    world: World
    plan: Plan
    log: CrashingLog
    chance: random.Random
    faults: float
    ordinals: Callable[[], Ordinals] = Ordinals

    def live(self) -> RunState | None:
        """Go on with the run; return its state at the end, None where the process was gone before."""
        try:
            return asyncio.run(self._drive())
        except Crash:
            return None

    async def _drive(self) -> RunState:
        state, clock = fold(self.log.read()), SeededClock(self.chance)
        commits = GroupCommit(self.log, state)
        if state.started is None:
            commits.note(RunStarted(at=0.0, run="sim", plan="p"))
        self.recording = Recording("sim", self.plan, state, commits, clock, self.chance.random, self.log.load)
        await commits.commit(TakenUp(at=clock.now(), epoch=self.log.epoch, owner="sim"))
        engine = Engine(self.plan, Lock(), None, {}, state, commits, self._perform, clock, self.log.load, self._judge)
        await engine.run()
        return state

    async def _perform(self, path: str, step: StepPlan, arguments: Json) -> Result:
        """Make some calls, several at once, some of them equal; give what they gave."""
        replay = Replay(self.recording.state, path)
        boundary = JournaledBoundary(self.recording, replay=replay)
        boundary._ordinals = self.ordinals()
        name = step.callable or ""
        kinds = int(digest(name)[:4], 16)
        shared = {"of": name, "with": arguments}
        given = [shared, {**shared, "other": 1}, shared][: 1 + kinds % 3]
        found = await asyncio.gather(*(self._call(boundary, path, name, one, is_write=kinds % 2 == 0) for one in given))
        assert not replay.left, f"{path} left {replay.left}"
        return Result(found[0])

    async def _call(self, boundary: JournaledBoundary, path: str, name: str, arguments: Json, *, is_write: bool) -> Json:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        effects: Any = "write" if is_write else "read"
        request = CallRequest(parent=path, kind="tool", name=name, arguments=arguments, effects=effects, idempotent=is_write)

        async def body(permit: Permit) -> Outcome:
            for _ in range(self.chance.randrange(4)):
                await asyncio.sleep(0)
            # Attempts count over all lives: fewer than what would use them up.
            if self.world.faults[permit.call_id] < 3 and self.chance.random() < self.faults:
                self.world.faults[permit.call_id] += 1
                raise Network("a fault of chance")
            return Outcome(self.world.answer(request, permit))

        return await boundary.call(request, body)

    async def _judge(self, path: str, step: StepPlan, arguments: Json) -> Verdict:  # noqa: ARG002 - the seam's shape
        await asyncio.sleep(0)
        number = int(digest(arguments)[:8], 16)
        return Verdict("stop" if number % 2 else "continue", {"flag": number % 3 == 0, "list": [number % 5], "number": number})


def plan_of(chance: random.Random) -> Plan:
    """Return a flow of chance: branches, maps, waits, loops in loops."""
    steps = _steps(chance, 2 + chance.randrange(5), depth=0, around=[])
    written = {name: step.model_dump(by_alias=True) for name, step in steps.items()}
    return Plan.model_validate({"plan": "simulated", "steps": written, "outputs": {name: f"${name}" for name in steps}})


def _steps(chance: random.Random, count: int, *, depth: int, around: list[str]) -> dict[str, StepPlan]:
    steps: dict[str, StepPlan] = {}
    plain: list[str] = []
    for number in range(count):
        name = f"s{depth}{number}" if depth else f"s{number}"
        own = list(steps)
        seen = [*own, *around]
        given: dict[str, Any] = {
            "with": {f"x{index}": f"${one}" for index, one in enumerate(_some(chance, seen))},
            "after": _some(chance, own),
        }
        if plain and chance.random() < 0.4:
            given["when"] = {f"{chance.choice(plain)}.flag": [chance.random() < 0.7]}
        if plain and chance.random() < 0.3:
            given["map"] = {"over": f"${chance.choice(plain)}.list", "max_parallel": chance.choice([None, 1, 2])}
            given["with"]["item"] = "$item"
        elif plain and depth < 2 and chance.random() < 0.35:
            given["loop"] = _loop(chance, depth, own, plain)
            given.pop("with")
        else:
            plain.append(name)
        runs = {} if "loop" in given else {"callable": f"shop:work{chance.randrange(100)}"}
        if chance.random() < 0.2:
            given["on_failure"] = {"exhausted": {"then": "skip"}}
        steps[name] = StepPlan.model_validate({**runs, **given})
    return steps


def _loop(chance: random.Random, depth: int, own: list[str], plain: list[str]) -> dict[str, Any]:
    body = _steps(chance, 1 + chance.randrange(3), depth=depth + 1, around=["state", "round", *_some(chance, own)])
    told = {f"y{index}": f"${name}" for index, name in enumerate(body)}
    inner = {name: one.model_dump(by_alias=True) for name, one in body.items()}
    last = {"state": "$state", "round": "$round", **told}
    return {"state": f"${chance.choice(plain)}", "steps": inner, "next": "m:next", "with": last, "max_rounds": 1 + chance.randrange(4)}


def _some(chance: random.Random, names: list[str]) -> list[str]:
    return sorted(chance.sample(names, min(len(names), chance.randrange(3))))


@dataclass(frozen=True)
class Story:
    """How a run went: its end, and what it took."""

    state: RunState
    world: World
    events: list[Event]
    lives: int
    lost: int
    """Answers that were under way when a process was gone."""

    @property
    def end(self) -> tuple[Any, ...]:
        """What the run came to."""
        assert self.state.finished is not None
        finished = self.state.finished
        return finished.status, finished.outputs, {path: one.kind for path, one in self.state.steps.items()}

    def doubled(self) -> list[str]:
        """Return the calls that have two results."""
        counted = Counter(one.call for one in self.events if isinstance(one, CallFinished))
        return [call for call, count in counted.items() if count > 1]


def tell(
    seed: int,
    crashes: Sequence[tuple[int, bool]] = (),
    *,
    order: int = 0,
    faults: float = 0.2,
    ordinals: Callable[[], Ordinals] = Ordinals,
) -> Story:
    """Return how the run of a seed goes that crashes at some commits, one life after the other."""
    plan, world, events, lost = plan_of(random.Random(seed)), World(), list[Event](), 0
    for number, (commits, before) in enumerate([*crashes, (0, False)]):
        log = CrashingLog(events, commits, before=before)
        asked = sum(world.asked.values())
        state = Life(world, plan, log, random.Random(f"{seed} {order} {number}"), faults, ordinals).live()
        durable = sum(isinstance(one, CallFinished) for one in log.events) - sum(isinstance(one, CallFinished) for one in events)
        lost += sum(world.asked.values()) - asked - durable
        events = list(log.events)
        if state is not None:
            return Story(state, world, events, number + 1, lost)
    raise AssertionError(seed)
