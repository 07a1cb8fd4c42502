"""A flow's time: counted from its start, over all its owners; once it is over, the run ends whatever is under way."""

from __future__ import annotations

import asyncio
import time

from darner.compiler.plan import Lock, StepPlan
from darner.runtime.commits import GroupCommit
from darner.runtime.engine import Engine, Result
from darner.runtime.events import RunFinished, RunStarted, TakenUp
from darner.runtime.perform.world import SystemClock
from darner.runtime.ports import Json
from darner.runtime.state import fold
from darner.testing import MemoryLog

from .plans import flow, step


async def never(path: str, step: StepPlan, arguments: Json) -> Result:
    """Take for ever."""
    await asyncio.sleep(3600)
    raise AssertionError(path)


def drive(seconds: float, started: float) -> tuple[RunFinished, float]:
    """Run a flow that would take for ever, and return how it ended, after how long."""
    plan, log = flow("$a", a=step()).model_copy(update={"timeout": seconds}), MemoryLog()

    async def run() -> None:
        state = fold([])
        commits, clock = GroupCommit(log, state), SystemClock()
        commits.note(RunStarted(at=clock.now() - started, run="r", plan="p"), TakenUp(at=clock.now(), epoch=1, owner="x"))
        await Engine(plan, Lock(), None, {}, state, commits, never, clock, log.load).run()

    began = time.monotonic()
    asyncio.run(run())
    [finished] = [one for one in log.events if isinstance(one, RunFinished)]
    return finished, time.monotonic() - began


def test_a_flow_that_takes_too_long_is_ended_while_its_steps_are_under_way() -> None:
    """Not only once the next call would begin."""
    finished, took = drive(0.3, started=0.0)
    assert finished.status == "failed"
    assert finished.error == "the run has used up its time: 0.3s since its start"
    assert took < 30


def test_the_time_of_earlier_owners_counts() -> None:
    """A run that is taken up after its time is over does nothing more."""
    finished, took = drive(60.0, started=61.0)
    assert finished.status == "failed"
    assert took < 30
