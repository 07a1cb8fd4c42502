"""Steps with `calls`, performed: their handles made, their code driven."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from ....compiler.plan import Plan, StepPlan
from ...failures import Refused
from ...ports import Json
from ...resources import wished
from .. import values
from ..agents.agents import Agents
from ..boundary import JournaledBoundary
from ..callables import callee, is_named
from ..processes import machine
from ..results import conform
from ..tools import LaidOver
from .handles import AskHandle, CallHandle, Calling, output_of
from .orchestration import Orchestration


@dataclass(frozen=True)
class Conductor:
    """Performs the steps with `calls` of one run."""

    plan: Plan
    agents: Agents

    async def perform(self, boundary: JournaledBoundary, path: str, step: StepPlan, arguments: Json) -> Json:
        """Return a step's result as JSON: its code is executed, and what it calls is served as far as it is on record."""
        found, named = callee(step.callable or ""), is_named(step.with_)
        players = {name.replace(".", "_"): name for name in step.calls}
        given = found.arguments({} if arguments is None and named else arguments, named=named, beside=players)
        orchestration = Orchestration(path, step, boundary)
        handles = {parameter: self._handle(orchestration, name, found.handles.get(parameter)) for parameter, name in players.items()}
        result = await orchestration.drive(partial(found.function, **given, **handles))
        return values.dump(conform(found.ref, found.function, result))

    def _handle(self, orchestration: Orchestration, name: str, annotation: Any) -> CallHandle | AskHandle:
        if name in self.plan.humans:
            return AskHandle(name, output_of(annotation), partial(orchestration.call, self._ask))
        check = partial(wished, policy=self.plan.policy, gpus=machine.devices()) if name in self.plan.tools else None
        work = self._use if self.agents.tools.has(name) else self._consult
        return CallHandle(name, output_of(annotation), partial(orchestration.call, work), check)

    def _use(self, around: Orchestration, calling: Calling) -> Coroutine[Any, Any, Json]:
        tools, name = self.agents.tools, calling.name
        given = calling.arguments if calling.is_named else {tools.only_parameter(name): calling.arguments}
        laid_over = LaidOver(around.step.on_failure, grant=calling.grant)
        return tools.call(around.boundary, name, given, parent=around.path, laid_over=laid_over)

    async def _consult(self, around: Orchestration, calling: Calling) -> Json:
        laid_over = LaidOver(around.step.on_failure)
        return await self.agents.call(around.boundary, calling.name, calling.arguments, parent=around.path, laid_over=laid_over)

    async def _ask(self, around: Orchestration, calling: Calling) -> Json:
        people = around.boundary.recording.people
        if people is None:
            raise Refused(f"{around.path} asks {calling.name}, and there is nobody here")
        return await people.ask(around.boundary, calling.name, calling.arguments, parent=around.path)
