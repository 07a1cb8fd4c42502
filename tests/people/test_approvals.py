"""An approval is used up by the write that it was given for, and by no other."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from darner.compiler.plan import HumanPlan, Plan, ToolPlan
from darner.runtime.commits import GroupCommit
from darner.runtime.events import QuestionAsked, TakenUp
from darner.runtime.failures import CallableError
from darner.runtime.idle import Idle
from darner.runtime.journal.store import open_store
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.people import replies
from darner.runtime.perform.people.desk import Desk
from darner.runtime.perform.people.people import People
from darner.runtime.perform.people.telling import Telling
from darner.runtime.perform.recording import Recording
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.tools import Tools
from darner.runtime.perform.world import SystemClock
from darner.runtime.ports import Approval, Approved, CallRequest, Outcome, Permit
from darner.runtime.state import fold
from darner.testing import MemoryLog

PLAN = Plan(
    plan="shop",
    tools={"buy": ToolPlan.model_validate({"use": "shop:buy", "effects": "write", "approval": "boss"})},
    humans={"boss": HumanPlan(ask="May I?")},
)
BUY = CallRequest(parent="s", kind="tool", name="buy", arguments={"item": "mug"}, effects="write", approval=Approval("boss"))


class Remembering(People):
    """A broken variant: who approved a write once has approved every equal one."""

    async def approve(self, boundary: JournaledBoundary, call: str, request: CallRequest) -> Approved:
        """Look for any approval of these arguments."""
        for one in self.state.waits.questions.values():
            if one.closed is not None and one.asked.shown == {"tool": request.name, "arguments": request.arguments}:
                return Approved()
        return await super().approve(boundary, call, request)


@dataclasses.dataclass
class Bench:
    """A boundary on a journal in memory, people whose answers lie in a folder, and a write that is counted."""

    folder: Path
    people: type[People] = People
    log: MemoryLog = dataclasses.field(default_factory=MemoryLog)
    bought: int = 0

    async def buy(self, times: int, answer: str = "approve", request: CallRequest = BUY) -> int:
        """Buy so often, in one execution; every question is answered once. Return how many questions were asked."""
        store, clock, idle, state = open_store(self.folder), SystemClock(), Idle(), fold(self.log.events)
        commits = GroupCommit(self.log, state)
        desk = Desk(store, "r", clock, idle, look_every=0.01)
        telling = Telling(PLAN, "r", state, clock, Tools(PLAN, secrets=EnvironmentSecrets({})))
        people = self.people(PLAN, {}, state, commits, clock, desk, telling)
        recording = Recording("r", PLAN, state, commits, clock, lambda: 1.0, self.log.load, waits=idle, people=people)
        boundary = JournaledBoundary(recording)

        async def body(_permit: Permit) -> Outcome:
            self.bought += 1
            return Outcome("bought")

        async def answers() -> None:
            while True:
                await asyncio.sleep(0.01)
                for asked in state.waits.open:
                    if not store.exists(f"runs/r/answers/{asked.question}"):
                        replies.answer(store, "r", asked, {"verdict": answer}, "ada", clock)

        answering = asyncio.ensure_future(answers())
        try:
            for _ in range(times):
                await boundary.call(request, body)
        finally:
            answering.cancel()
            await commits.drain()
        return sum(isinstance(one, QuestionAsked) for one in self.log.events)


def test_two_equal_writes_need_two_approvals_and_the_variant_that_consumes_none_is_caught(tmp_path: Path) -> None:
    """Guards against pydantic-ai#5536: an approval that isn't consumed lets the tool run twice."""
    right, broken = Bench(tmp_path / "right"), Bench(tmp_path / "broken", Remembering)
    assert asyncio.run(right.buy(2)) == 2
    assert right.bought == 2
    assert asyncio.run(broken.buy(2)) == 1


@pytest.mark.parametrize(("answer", "bought"), [("do", 1), ("abort", 0)])
def test_of_a_write_that_broke_off_a_person_decides(tmp_path: Path, answer: str, bought: int) -> None:
    """Intent without result, and no key: done again only if a person says so; they are asked once."""
    first = Bench(tmp_path)
    asyncio.run(first.buy(1))
    events = [one for one in first.log.events if one.kind != "call_finished"]
    second = Bench(tmp_path, log=MemoryLog([*events, TakenUp(at=0.0, epoch=2, owner="x")]))
    if answer == "abort":
        with pytest.raises(CallableError, match="gave the write buy up"):
            asyncio.run(second.buy(1, answer))
    else:
        assert asyncio.run(second.buy(1, answer)) == 2
    assert second.bought == bought


@pytest.mark.parametrize(("happened", "bought"), [("bought before", 0), (None, 1)])
def test_reconcile_answers_for_a_write_that_broke_off(tmp_path: Path, happened: str | None, bought: int) -> None:
    """Its result is the write's; None means that it didn't happen, and then it is done. Nobody is asked."""

    async def look(_permit: Permit) -> str | None:
        return happened

    first = Bench(tmp_path)
    asyncio.run(first.buy(1))
    events = [one for one in first.log.events if one.kind != "call_finished"]
    second = Bench(tmp_path, log=MemoryLog([*events, TakenUp(at=0.0, epoch=2, owner="x")]))
    assert asyncio.run(second.buy(1, request=BUY._replace(reconcile=look))) == 1
    assert second.bought == bought


def test_a_limit_of_time_stands_still_while_a_person_is_asked() -> None:
    """An agent's `limits.time` is not used up by whoever thinks about its write; afterwards it goes on."""

    async def ask(idle: Idle) -> None:
        async with asyncio.timeout(1.0) as clock:
            with idle.bounded(clock):
                with idle.undecided():
                    await asyncio.sleep(1.2)
                await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(ask(Idle()))

    async def decide(idle: Idle) -> str:
        async with asyncio.timeout(1.0) as clock:
            with idle.bounded(clock), idle.undecided():
                await asyncio.sleep(1.2)
            return "in time"

    assert asyncio.run(decide(Idle())) == "in time"
