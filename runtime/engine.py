"""The loop of a flow: its steps under way until nothing more can be done, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..compiler.plan import Lock, Plan, StepPlan
from . import budget
from . import decide as deciding
from . import graph as graphs
from .commits import GroupCommit
from .events import RunFinished
from .failures import CallableError, Failure
from .looping import Verdict
from .ports import Clock, Json
from .scope import Flow, Judge, Performer, Rescue, Result, Scope
from .state import RunState
from .stopping import Writes, undisturbed
from .wiring import resolve

__all__ = ["Engine", "Judge", "Performer", "Result"]

TICK = 1.0
"""Seconds after which the flow's time is looked at again: the clock may have jumped."""


async def no_judge(path: str, step: StepPlan, arguments: Json) -> Verdict:  # noqa: ARG001 - the seam's shape
    """Refuse: whoever runs loops says who judges them."""
    raise CallableError(f"nobody can say what comes after a round of {path}")


async def no_rescue(path: str, step: StepPlan, failure: Failure | None) -> Result | None:  # noqa: ARG001 - the seam's shape
    """Let a loop's failure be: nobody is asked."""
    if failure is not None:
        raise failure
    return None


@dataclass
class Engine:
    """One flow's run, from what its state is to its end.

    Args:
        plan, lock: what runs, and where it stands in the spec.
        inputs, params: what the run is bound to, as JSON.
        state: what has happened, shared with ``commits``.
        commits: where events go.
        load: gives a large payload by its digest.
        judge: asks a loop's ``next``.
        rescue: asks a person about a loop that failed.
        writes: those of the run that have begun.
    """

    plan: Plan
    lock: Lock
    inputs: Json
    params: Mapping[str, Json]
    state: RunState
    commits: GroupCommit
    perform: Performer
    clock: Clock
    load: Callable[[str], Json]
    judge: Judge = no_judge
    rescue: Rescue = no_rescue
    writes: Writes = field(default_factory=Writes)

    def __post_init__(self) -> None:
        self.flow = Flow(
            self.plan, self.lock, self.params, self.state, self.commits, self.perform, self.judge, self.clock, self.load, self.rescue,
            self.writes,
        )  # fmt: skip
        self._scope = Scope(self.flow, graphs.build(self.plan), "", self._around)

    async def run(self) -> None:
        """Go on until nothing more can be done, and record how the run ended.

        Raises:
            StoreError: the journal can't be written; what was durable stays.
            Fenced: another process has the run.
        """
        steps = asyncio.get_running_loop().create_task(self._scope.run())
        try:
            if await self._in_time(steps):
                await steps
                await self._finish()
        finally:
            await undisturbed(self._stopped(steps))

    async def _stopped(self, steps: asyncio.Task[None]) -> None:
        await _over(steps)
        await self.commits.drain()

    async def _in_time(self, steps: asyncio.Task[None]) -> bool:
        """Wait for the steps; return False where the flow's time was over before, and the run has failed."""
        loop = asyncio.get_running_loop()
        began, at_first = loop.time(), budget.time_left(self.plan, self.state, self.clock.now())
        while not steps.done():
            left = budget.time_left(self.plan, self.state, self.clock.now())
            if left is not None and at_first is not None:
                # Seconds that have passed here count, too, wherever the clock jumped meanwhile.
                left = min(left, at_first - (loop.time() - began))
            if left is not None and left <= 0:
                await _over(steps)
                await self.commits.commit(RunFinished(at=self.clock.now(), status="failed", error=budget.late(self.plan)))
                return False
            await asyncio.wait({steps}, timeout=None if left is None else min(left, TICK))
        return True

    def _around(self, root: str) -> Json:
        if root in {"inputs", "params"}:
            return self.inputs if root == "inputs" else dict(self.params)
        raise CallableError(f"${root} can't be read by a step", type_name="MissingValue", help="`darner check` shows what a step sees")

    async def _finish(self) -> None:
        failed = self._scope.failed()
        now = self.clock.now()
        if failed:
            reasons = "; ".join(f"{name}: {self._reason(name)}" for name in failed)
            await self.commits.commit(RunFinished(at=now, status="failed", error=reasons))
            return
        try:
            outputs = deciding.outputs(self.plan.outputs, self.state, lambda value: resolve(value, self._scope.value_of, self.params))
        except CallableError as error:
            await self.commits.commit(RunFinished(at=now, status="failed", error=f"outputs: {error.message}"))
        else:
            await self.commits.commit(RunFinished(at=now, status="done", outputs=outputs))

    def _reason(self, name: str) -> str:
        outcome = self.state.outcome(name)
        return outcome.reason if outcome is not None else ""


async def _over(steps: asyncio.Task[None]) -> None:
    """Return once nothing is under way any more; `scope.Scope` sees to it that this comes."""
    steps.cancel()
    await asyncio.wait({steps})
