"""Branches that go on in changing order, over crashes: each finds its own uuids and results again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

import darner
from darner.compiler.plan import Plan, StepPlan
from darner.runtime import keys
from darner.runtime.commits import GroupCommit
from darner.runtime.events import Event, TakenUp
from darner.runtime.failures import CallableError, Refused
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.orchestrating.handles import Calling
from darner.runtime.perform.orchestrating.orchestration import Orchestration
from darner.runtime.perform.orchestrating.tasks import TaskTree
from darner.runtime.perform.recording import Recording
from darner.runtime.ports import CallRequest, Json, Outcome, Permit
from darner.runtime.replay import Replay
from darner.runtime.state import fold
from darner.testing import MemoryLog, NoWaiting

BRANCHES = 4


class Crash(BaseException):
    """The process is gone."""


class CrashingLog(MemoryLog):
    """A journal whose owner is gone at a commit."""

    def __init__(self, events: Sequence[Event], commits: int) -> None:
        super().__init__(events)
        self._left = commits

    def append(self, events: Sequence[Event]) -> None:
        """Keep a commit; the last one isn't kept any more."""
        self._left -= 1
        if self._left == 0:
            raise Crash
        super().append(events)


@dataclass
class World:
    """What is outside: it counts what it is asked, and never says the same twice."""

    answers: int = 0
    seen: dict[int, list[Json]] = field(default_factory=dict)
    """What each branch has acted on."""

    async def look(self, _permit: Permit) -> Outcome:
        """Give an answer that nobody had before."""
        self.answers += 1
        return Outcome(self.answers)


class OneForAll(TaskTree):
    """A broken variant: moments and equal calls are counted per run, not per task."""

    def path(self) -> str | None:
        """Return the same for every task."""
        return ""


@dataclass
class Bench:
    """One run of an orchestrator with branches, in as many lives as it takes."""

    tree: Callable[[], TaskTree] = TaskTree
    ordinals: Callable[[], keys.Ordinals] = keys.Ordinals
    world: World = field(default_factory=World)
    events: list[Event] = field(default_factory=list)
    orchestration: Any = None

    def live(self, seed: int, commits: int = 0) -> list[Any] | None:
        """Go on with the run; return what its branches came to, None where it crashed."""
        log = CrashingLog([*self.events, TakenUp(at=0.0, epoch=1, owner="x")], commits)
        try:
            return asyncio.run(self._drive(log, random.Random(seed)))
        except Crash:
            return None
        finally:
            self.events = list(log.events)

    async def _drive(self, log: MemoryLog, chance: random.Random) -> list[Any]:
        state = fold(log.events)
        commits = GroupCommit(log, state)
        recording = Recording("run", Plan(plan="p"), state, commits, NoWaiting(), lambda: 1.0, log.load)
        boundary = JournaledBoundary(recording, replay=Replay(state, "s"))
        boundary._ordinals = self.ordinals()
        self.orchestration = Orchestration("s", StepPlan(callable="m:f", calls=("look",)), boundary, self.tree())
        try:
            found: list[Any] = await self.orchestration.drive(lambda: self._code(boundary, chance))
        finally:
            if not isinstance(commits._error, Crash):
                await commits.drain()
        return found

    async def _code(self, boundary: JournaledBoundary, chance: random.Random) -> list[Any]:
        tasks = [asyncio.create_task(self._branch(number, boundary, chance)) for number in range(BRANCHES)]
        return list(await asyncio.gather(*tasks))

    async def _branch(self, number: int, boundary: JournaledBoundary, chance: random.Random) -> list[Json]:
        """Take a uuid, ask for what every branch asks for, twice over; note what was acted on."""
        told: list[Json] = []
        for _ in range(2):
            for _ in range(chance.randrange(8)):
                await asyncio.sleep(0)
            own = str(darner.uuid())
            answer = await self._look(boundary)
            told.append([own, answer])
            self.world.seen[number] = max(self.world.seen.get(number, []), list(told), key=len)
        return told

    async def _look(self, boundary: JournaledBoundary) -> Json:
        request = CallRequest(parent="s", kind="tool", name="look", arguments="the same")
        work = lambda *_: boundary.call(request, self.world.look)  # noqa: E731 - what a handle does
        return await self.orchestration.call(work, Calling("look", "the same", is_named=True))


def is_faithful(bench: Bench, seed: int) -> bool:
    """Return whether every branch, over two crashes, ends with what it had acted on before, and nothing is asked in vain."""
    for commits in (2, 2, 3):
        if bench.live(seed + commits, commits) is not None:
            break
        before = {number: list(told) for number, told in bench.world.seen.items()}
        again = bench.live(seed * 31 + commits)
        if again is not None:
            return all(again[number][: len(told)] == told for number, told in before.items())
    return True


@pytest.mark.parametrize("seed", range(40))
def test_each_branch_finds_its_own_again_whatever_the_order(seed: int) -> None:
    """Equal calls and uuids of branches that overtake each other: DBOS mixed them up under gather (dbos-transact-py#688)."""
    assert is_faithful(Bench(), seed), f"seed {seed}"


def test_counting_per_run_is_caught() -> None:
    """The broken variant that numbers moments per run swaps what two branches had."""
    assert not all(is_faithful(Bench(tree=OneForAll), seed) for seed in range(40))


class AnyOfThem(keys.Ordinals):
    """A broken variant: of equal calls on record, the next is given to whoever asks."""

    def claim(self, request: CallRequest, task: str, task_of: Callable[[str], str | None]) -> str:  # noqa: ARG002 - that is what is wrong
        """Return the next identity."""
        return self.identity(request)


def test_giving_equal_calls_to_whoever_comes_first_is_caught() -> None:
    """Ordinals alone let a branch go on with the answer that another one acted on."""
    assert not all(is_faithful(Bench(ordinals=AnyOfThem), seed) for seed in range(40))


@dataclass
class Refusing(World):
    """Its first answer is a failure."""

    async def look(self, _permit: Permit) -> Outcome:
        """Fail once."""
        self.answers += 1
        if self.answers == 1:
            raise CallableError("not today")
        return Outcome(self.answers)


@dataclass
class Pair(Bench):
    """Two branches that ask the same once; one of them comes late."""

    late: int = 1

    async def _branch(self, number: int, boundary: JournaledBoundary, chance: random.Random) -> list[Json]:  # noqa: ARG002 - as the others
        for _ in range(20 if number == self.late else 0):
            await asyncio.sleep(0)
        if number > 1:
            return []
        try:
            return [await self._look(boundary)]
        except CallableError:
            return ["failed"]


def test_a_failure_that_one_branch_caught_is_not_given_to_another() -> None:
    """Nothing else is on record, and the other branch is quicker this time: it waits for whoever had it to ask again."""
    bench = Pair(world=Refusing())
    assert bench.live(0, 2) is None
    assert [one.kind for one in bench.events if one.kind.startswith("call_")] == ["call_started", "call_failed"]
    bench.late = 0
    again = bench.live(0)
    assert again is not None
    assert again[:2] == [["failed"], [3]]


def test_results_of_tasks_that_were_numbered_anew_are_still_served() -> None:
    """Code whose tasks are created in another order loses nothing: a result of another task is better than none."""
    ordinals, request = keys.Ordinals(), CallRequest(parent="s", kind="tool", name="look", arguments=1)
    on_record = {keys.identity(request, 0): "1", keys.identity(request, 1): "2"}
    assert [ordinals.claim(request, task, on_record.get) for task in ("2", "3", "4")] == [
        keys.identity(request, 1), keys.identity(request, 0), keys.identity(request, 2),
    ]  # fmt: skip


def test_moments_outside_of_a_step_with_calls_say_so() -> None:
    """There is nothing that could record them."""
    for taken in (darner.now, darner.random, darner.uuid):
        with pytest.raises(Refused, match=rf"darner\.{taken.__name__}\(\) was called outside of a step with calls"):
            taken()
    with pytest.raises(Refused, match=r"darner\.sleep\(\) was called outside"):
        asyncio.run(darner.sleep("1s"))
