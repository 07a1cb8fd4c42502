"""Steps performed: a callable, a tool or an agent, each through the effect boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...compiler.plan import Lock, Plan, StepPlan
from ..engine import Result
from ..failures import Refused
from ..ports import CallRequest, Json, Outcome, Permit
from .agents import Agents
from .boundary import JournaledBoundary, Recording
from .callables import callee, invoke, only_parameter
from .threads import Threads


def refuse_unready(plan: Plan, agents: Agents) -> None:
    """Refuse what can't work before anything is started: names that can't be imported, secrets that are missing."""
    for step in plan.steps.values():
        if step.callable is not None:
            callee(step.callable)
        if step.tool is not None:
            agents.tools.interface(step.tool)
    named = {step.agent for step in plan.steps.values() if step.agent is not None}
    if named:
        agents.refuse_unready(*sorted(named))


@dataclass
class Steps:
    """Performs the steps of one run."""

    recording: Recording
    agents: Agents
    lock: Lock
    threads: Threads = field(default_factory=Threads)

    async def __call__(self, path: str, step: StepPlan, arguments: Json) -> Result:
        """Return a step's result; see `engine.Performer`."""
        boundary = JournaledBoundary(self.recording, step.timeout)
        if step.agent is not None:
            return Result(await self.agents.call(boundary, step.agent, arguments, parent=path, on_failure=step.on_failure))
        if step.tool is not None:
            value = await self._use(boundary, path, step, step.tool, arguments)
        elif step.callable is not None:
            value = await self._call(boundary, path, step, step.callable, arguments)
        else:
            raise Refused(f"{path} runs nothing that this version knows")
        return Result(value, boundary.finished[path])

    async def _use(self, boundary: JournaledBoundary, path: str, step: StepPlan, name: str, arguments: Json) -> Json:
        tools = self.agents.tools
        if not _is_named(step):
            fields = tuple(tools.interface(name).schema.get("properties", {}))
            arguments = {only_parameter(f"the tool {name}", fields): arguments}
        return await tools.call(boundary, name, arguments or {}, parent=path, on_failure=step.on_failure)

    async def _call(self, boundary: JournaledBoundary, path: str, step: StepPlan, ref: str, arguments: Json) -> Json:
        request = CallRequest(
            parent=path,
            kind="callable",
            name=ref,
            arguments=arguments,
            effects="pure",
            fingerprint=self.lock.callables.get(ref, ""),
            on_failure=step.on_failure,
        )

        named = _is_named(step)

        async def body(_permit: Permit) -> Outcome:
            return Outcome(await invoke(self.threads, ref, {} if arguments is None and named else arguments, named=named))

        return await boundary.call(request, body)


def _is_named(step: StepPlan) -> bool:
    """Return whether ``with`` gives arguments by name, and not one value."""
    return step.with_ is None or isinstance(step.with_, Mapping)
