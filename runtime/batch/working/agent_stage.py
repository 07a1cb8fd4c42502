"""An agent as a stage: each row is its input, and what it was not asked for is carried over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....compiler.plan import Compiled, ModelPlan
from ....compiler.settings import Reaction
from ...perform.secrets import EnvironmentSecrets
from ...perform.values import dump
from ...perform.world import SystemClock, chance
from ..columns import RowType
from ..policy import ROW_ERRORS, FailurePolicy, Used, row_error
from .callables import DEFAULT_CONCURRENCY, AsyncCaller, StageTypes
from .metering import Meter

if TYPE_CHECKING:
    from ...perform.agents.agents import Agents


@dataclass(frozen=True, slots=True)
class _AgentRow:
    """Asks an agent for one row. Attempts are the agent's own; the row as a whole is not tried again: it raises `Used`."""

    agents: Agents
    name: str
    stage: str
    job: str
    key: str
    """The field by which rows are told apart: what a tool writes for one row must not pass for another's."""
    on_failure: Mapping[Any, Reaction]
    taken: RowType
    meter: Meter

    async def __call__(self, value: Any) -> Any:
        from ...perform.tools import LaidOver  # noqa: PLC0415 - only jobs with agents need it
        from ...perform.unrecorded import UnrecordedBoundary  # noqa: PLC0415 - likewise

        row = dump(value)
        boundary = UnrecordedBoundary(SystemClock(), chance=chance, scope=self.job)
        parent = f"{self.stage}/{row.get(self.key, '')}"
        try:
            return await self.agents.call(boundary, self.name, row, parent=parent, laid_over=LaidOver(dict(self.on_failure)))
        except ROW_ERRORS as error:
            tried = sum(one.attempts for one in boundary.attempts.by_class().values())
            raise Used(row_error(error), max(1, tried)) from error
        finally:  # what a row that fails has used was paid for, too
            self.meter.add(boundary.used, boundary.attempts.by_class())


@dataclass(frozen=True, slots=True)
class AgentStages:
    """Makes callers of a job's agents; they share models, tools and limits."""

    compiled: Compiled
    params: Mapping[str, Any]
    places: Mapping[str, ModelPlan]
    runner: asyncio.Runner
    meter: Meter

    def caller(self, name: str, types: StageTypes) -> AsyncCaller:
        """Return what asks the agent of one stage."""
        plan = self.compiled.plan
        stage = plan.stages[name]
        assert types.input is not None  # noqa: S101 - an agent has both types
        assert types.output is not None  # noqa: S101 - likewise
        key = plan.datasets[plan.job.source].key if plan.job else ""
        row = _AgentRow(self._agents(stage.runs), stage.runs, name, plan.plan, key, stage.on_failure, types.input, self.meter)
        policy = FailurePolicy.of_agent(name, plan.agents[stage.runs].on_failure, stage.on_failure)
        return AsyncCaller(row, types.output, policy, self.runner, stage.concurrency or DEFAULT_CONCURRENCY, filters=False)

    def _agents(self, name: str) -> Agents:
        from ...perform.agents.agents import Agents  # noqa: PLC0415 - likewise

        made = Agents(
            self.compiled.plan,
            prompts=self.compiled.prompts,
            secrets=EnvironmentSecrets(),
            params=self.params,
            places=self.places,
            lock=self.compiled.lock,
        )
        made.refuse_unready(name)
        return made
