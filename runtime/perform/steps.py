"""Steps performed: a callable, a tool or an agent, each through the effect boundary."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...compiler.plan import Lock, Plan, StepPlan
from ...compiler.settings import Cache, merge_reactions
from ..budget import bounds
from ..engine import Result
from ..events import Drifted
from ..failures import CallableError, Refused
from ..graph import all_steps
from ..looping import Verdict, names
from ..meaning import caching, callable_meaning
from ..ports import Caching, CallRequest, Json, Outcome, Permit
from ..relief import relief
from ..replay import Replay
from . import values
from .agents.agents import Agents
from .boundary import JournaledBoundary
from .callables import callee, invoke, is_named
from .orchestrating.conducting import Conductor
from .processes.caged import Cages
from .recording import Recording
from .strictness import refuse_drift
from .threads import Threads
from .tools import LaidOver
from .verdicts import judge


def refuse_unready(plan: Plan, agents: Agents) -> None:
    """Refuse what can't work before anything is started: names that can't be imported, secrets that are missing."""
    named: set[str] = set()
    for step in all_steps(plan):
        for ref in (step.callable, step.loop.next if step.loop is not None else None):
            if ref is not None:
                callee(ref)
        for name in (step.tool, *step.calls):
            if name is not None and agents.tools.has(name):
                agents.tools.interface(name)
        named |= {name for name in (step.agent, *step.calls) if name in plan.agents}
    if named:
        agents.refuse_unready(*sorted(named))


@dataclass
class Steps:
    """Performs the steps of one run."""

    recording: Recording
    agents: Agents
    lock: Lock
    cages: Cages
    threads: Threads = field(default_factory=Threads)

    async def __call__(self, path: str, step: StepPlan, arguments: Json) -> Result:
        """Return a step's result; see `engine.Performer`."""
        replay = Replay(self.recording.state, path)
        given = relief(self.recording.state.waits, path)
        if given.limits is not None and step.agent is None:
            step = step.model_copy(update={"limits": given.over(step.limits)})
        within = bounds(self.recording.plan, path, self.recording.state.waits)
        boundary = JournaledBoundary(self.recording, step.timeout, bounds=within, replay=replay, relief=given)
        result = await self._strictly(boundary, path, step, arguments)
        if replay.left:
            self.recording.commits.note(Drifted(at=self.recording.clock.now(), step=path, calls=replay.left))
        return result

    async def _strictly(self, boundary: JournaledBoundary, path: str, step: StepPlan, arguments: Json) -> Result:
        """Return a step's result; where the run was resumed strictly, `Unasked` rather than a result that drifted."""
        gate, replay = self.recording.gate, boundary.replay
        if gate is None or replay is None:
            return await self._perform(boundary, path, step, arguments)
        gate.watch(replay)
        try:
            result = await self._perform(boundary, path, step, arguments)
        finally:
            gate.refuse()
        refuse_drift(self.recording.state, replay)
        return result

    async def _perform(self, boundary: JournaledBoundary, path: str, step: StepPlan, arguments: Json) -> Result:
        if step.conducts:
            return Result(await Conductor(self.recording.plan, self.agents).perform(boundary, path, step, arguments))
        if step.agent is not None:
            return Result(await self.agents.call(boundary, step.agent, arguments, parent=path, laid_over=_laid_over(step)))
        if step.tool is not None:
            value = await self._use(boundary, path, step, step.tool, arguments)
        elif step.callable is not None:
            value = await self._call(boundary, path, step, step.callable, arguments)
        elif step.human is not None:
            value = await self._ask(boundary, path, step.human, arguments)
        else:
            raise Refused(f"{path} runs nothing that this version knows")
        return Result(value, boundary.finished[path])

    async def _ask(self, boundary: JournaledBoundary, path: str, name: str, arguments: Json) -> Json:
        people = self.recording.people
        if people is None:
            raise Refused(f"{path} asks {name}, and there is nobody here")
        return await people.ask(boundary, name, arguments, parent=path)

    async def judge(self, path: str, step: StepPlan, arguments: Json) -> Verdict:
        """Return what a loop's ``next`` says; see `scope.Judge`."""
        return await judge(self.threads, path, step, arguments)

    async def _use(self, boundary: JournaledBoundary, path: str, step: StepPlan, name: str, arguments: Json) -> Json:
        tools = self.agents.tools
        if not is_named(step.with_):
            arguments = {tools.only_parameter(name): arguments}
        return await tools.call(boundary, name, arguments or {}, parent=path, laid_over=_laid_over(step))

    async def _call(self, boundary: JournaledBoundary, path: str, step: StepPlan, ref: str, arguments: Json) -> Json:
        cage = None if step.resources is None else await self.cages.cage("/".join(names(path)), step.resources)
        request = CallRequest(
            parent=path,
            kind="callable",
            name=ref,
            arguments=arguments,
            effects="pure",
            takes_key=False,
            fingerprint=self.lock.callables.get(ref, ""),
            # The ladder of its resources makes of running out of memory an attempt a rung.
            on_failure=step.on_failure if cage is None else merge_reactions(cage.reactions, step.on_failure),
            cache=self._caching(step, ref, arguments),
            turn=None if cage is None else cage.turn,
        )
        told = {"ref": ref, "arguments": {} if arguments is None and is_named(step.with_) else arguments, "named": is_named(step.with_)}

        async def body(_permit: Permit) -> Outcome:
            if cage is not None:
                return Outcome(await cage.call(told))
            return Outcome(await invoke(self.threads, ref, told["arguments"], named=told["named"]))

        return await boundary.call(request, body)

    def _caching(self, step: StepPlan, ref: str, arguments: Json) -> Caching | None:
        setting = _cache(step)
        if setting is None:
            return None
        try:
            reads = values.dump(
                callee(ref).arguments({} if arguments is None and is_named(step.with_) else arguments, named=is_named(step.with_))
            )
        except CallableError:
            return None  # the call will say what is wrong with them
        return caching(setting, callable_meaning(self.recording.plan, self.agents.params, self.lock, step), reads)


def _laid_over(step: StepPlan) -> LaidOver:
    return LaidOver(step.on_failure, _cache(step), step.resources)


def _cache(step: StepPlan) -> Cache | None:
    """Return how a step's results are shared, where it says so itself; else its tool or agent does."""
    if step.cache.scope == "off":
        return None
    return step.cache if step.cache.version is not None else step.cache.model_copy(update={"version": step.version})
