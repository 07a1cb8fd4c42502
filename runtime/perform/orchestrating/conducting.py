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
from ..callables import callee, is_named, only_parameter
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
        perform = partial(self._call, orchestration)
        if name in self.plan.humans:
            return AskHandle(name, output_of(annotation), perform)
        check = partial(wished, policy=self.plan.policy, gpus=machine.devices())
        return CallHandle(name, output_of(annotation), perform, check if name in self.plan.tools else None)

    def _call(self, orchestration: Orchestration, calling: Calling) -> Coroutine[Any, Any, Json]:
        name, plan = calling.name, self.plan
        work = self._use if self.agents.tools.has(name) else self._ask if name in plan.humans else self._consult
        return orchestration.call(calling, partial(work, orchestration, calling))

    def _use(self, around: Orchestration, calling: Calling) -> Coroutine[Any, Any, Json]:
        tools, given = self.agents.tools, calling.arguments
        if not calling.is_named:
            fields = tuple(tools.interface(calling.name).schema.get("properties", {}))
            given = {only_parameter(f"the tool {calling.name}", fields): given}
        laid_over = LaidOver(around.step.on_failure, grant=calling.grant)
        return tools.call(around.boundary, calling.name, given, parent=around.path, laid_over=laid_over)

    async def _consult(self, around: Orchestration, calling: Calling) -> Json:
        laid_over = LaidOver(around.step.on_failure)
        return await self.agents.call(around.boundary, calling.name, calling.arguments, parent=around.path, laid_over=laid_over)

    async def _ask(self, around: Orchestration, calling: Calling) -> Json:
        people = around.boundary.recording.people
        if people is None:
            raise Refused(f"{around.path} asks {calling.name}, and there is nobody here")
        return await people.ask(around.boundary, calling.name, calling.arguments, parent=around.path)
