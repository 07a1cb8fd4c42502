"""Loops in memory: a flow driven to its end over a journal in memory, with what its steps and its `next` do handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from darner.compiler.plan import Lock, Plan, StepPlan
from darner.runtime.commits import GroupCommit
from darner.runtime.engine import Engine, Result
from darner.runtime.events import Event, RunStarted, TakenUp
from darner.runtime.looping import Verdict
from darner.runtime.ports import Json
from darner.runtime.state import RunState, fold
from darner.testing import MemoryLog, NoWaiting


@dataclass
class Bench:
    """Performs steps by a function of path and arguments; judges rounds by a function of path and arguments."""

    perform: Callable[[str, Json], Json]
    judge: Callable[[str, Json], Verdict]
    performed: list[str] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    log: MemoryLog = field(default_factory=MemoryLog)

    def run(self, plan: Plan, events: Sequence[Event] = ()) -> RunState:
        """Go on with a run from some events to its end, and return its state."""
        self.log = MemoryLog(events)

        async def drive() -> RunState:
            state = fold(self.log.read())
            commits = GroupCommit(self.log, state)
            if state.started is None:
                commits.note(RunStarted(at=0.0, run="r", plan="p"))
            commits.note(TakenUp(at=0.0, epoch=self.log.epoch, owner="test"))
            clock = NoWaiting()
            engine = Engine(plan, Lock(), None, {}, state, commits, self._perform, clock, self.log.load, self._judge)
            await engine.run()
            return state

        return asyncio.run(drive())

    async def _perform(self, path: str, step: StepPlan, arguments: Json) -> Result:  # noqa: ARG002 - the seam's shape
        self.performed.append(path)
        await asyncio.sleep(0)
        return Result(self.perform(path, arguments))

    async def _judge(self, path: str, step: StepPlan, arguments: Json) -> Verdict:  # noqa: ARG002 - the seam's shape
        self.judged.append(path)
        return self.judge(path, arguments)


def loop(steps: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Return a loop as a spec writes it."""
    bodies = {name: one.model_dump(by_alias=True) for name, one in steps.items()}
    return {"state": "$start", "steps": bodies, "next": "m:next", "with": {"state": "$state", "round": "$round"}, "max_rounds": 9, **given}
