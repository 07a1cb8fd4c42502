"""Agents: a model with a prompt, typed input and output, tools and other agents, through the effect boundary.

::

    async with Agents(plan, prompts=…, secrets=…) as agents:
        agents.refuse_unready("assistant")                                   # before anything is started
        output = await agents.call(boundary, "assistant", {"city": "Paris"}, parent="reply")
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ....compiler.meaning.prompts import WHOLE
from ....compiler.plan import AgentPlan, Lock, ModelPlan, Plan
from ....compiler.settings import REACTIONS, Cache, Limits, OnFailure, Reaction, merge_reactions
from ...amounts import Bound
from ...failures import Exhausted, Refused
from ...idle import Idle
from ...meaning import agent_meaning, caching
from ...ports import Boundary, Caching, CallRequest, Clock, Json, Outcome, Permit, Resolver, Secrets
from ...relief import Relief
from .. import values
from ..boundary import JournaledBoundary
from ..limits.access import machines
from ..secrets import known
from ..tools import NOTHING, LaidOver, Tools
from ..unrecorded import UnrecordedBoundary
from . import prompts as templates
from .models import Models, need_agents

if TYPE_CHECKING:
    from .agent_loop import AgentLoop, Visit

NEVER_AGAIN: OnFailure = {name: Reaction(attempts=1) for name in REACTIONS}
"""What failed inside an agent was tried again where it happened; the agent as a whole is not."""


class Agents:
    """The agents of one plan, each built once.

    Args:
        plan: the plan; models, tools and datasets are looked up here too.
        prompts: texts of the prompts that the plan names as files (`Compiled.prompts`, or a run's pinned ones).
        secrets: where secrets come from, when a model is first asked.
        tools: the plan's tools; made from the plan where they aren't given.
        params: the run's bound parameters.
        places: models that a target puts elsewhere, by name.
        lock: fingerprints of code and prompts; stored beside results.
        base: what relative paths of datasets are relative to.
        resolver: where the names of models' servers become addresses; the system, where it isn't given.
        run: whose calls have their turn together where a model is limited; its own, where it isn't given.
        clock: the run's; the machine's, where it isn't given.
    """

    def __init__(  # noqa: PLR0913 - what an agent needs of its surroundings; all but three have a default
        self,
        plan: Plan,
        *,
        prompts: Mapping[str, str],
        secrets: Secrets,
        tools: Tools | None = None,
        params: Mapping[str, Json] | None = None,
        places: Mapping[str, ModelPlan] | None = None,
        lock: Lock | None = None,
        base: Path | None = None,
        resolver: Resolver | None = None,
        run: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._lock = lock or Lock()
        self.params = dict(params or {})
        self.tools = tools or Tools(plan, secrets=secrets, params=params, lock=lock, base=base)
        self.models = Models(
            plan.models, secrets=secrets, places=places, params=params, policy=plan.policy, prices=self._lock.prices,
            resolver=resolver, run=run, clock=clock,
        )  # fmt: skip
        self._plan = plan
        self._prompts = dict(prompts)
        self._secrets = secrets
        self._loops: dict[str, AgentLoop] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the models' connections, and end the MCP servers."""
        await self.models.close()
        await asyncio.to_thread(self.tools.close)

    def refuse_unready(self, *names: str) -> None:
        """Refuse what can't work, before the first call: all agents, or those named and what they reach.

        Raises:
            Refused: a secret is missing, an extra isn't installed, a name can't be imported, a setting can't be given.
        """
        waiting, seen = list(names or self._plan.agents), set[str]()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self._agent(name).agents
                self._refuse_unready(name, self._agent(name))

    def _refuse_unready(self, name: str, agent: AgentPlan) -> None:
        if agent.history == "run" and self._plan.job is not None:
            msg = f"the agent {name} has history: run, and the rows of a job have no run that a conversation could go on in"
            raise Refused(msg, help="take it out: in a job each row is a conversation of its own")
        machines()
        for model in self.models.chain(agent.model):
            self.models.model(model)
            self.models.streams(model)
            self.models.window(model)
            self.models.longest(model)
        values.adapter(agent.input)
        templates.check(name, self._prompt(agent))
        self._loop(name)

    async def call(self, boundary: Boundary, name: str, arguments: Json, *, parent: str, laid_over: LaidOver = NOTHING) -> Json:
        """Return an agent's output as JSON, for the JSON of its input: served, or asked for and recorded.

        Args:
            boundary: through which the agent, its models and its tools are called.
            name: the agent's name in the plan.
            arguments: its input, as JSON.
            parent: the call or the step on whose behalf it is called.
            laid_over: what a step says of failures and of sharing answers, over the agent's own.

        Raises:
            Semantic: the input doesn't fit, or no acceptable answer came and the attempts are used up.
            Exhausted: one of the agent's limits is reached.
            Failure: a model or a tool failed for good.
        """
        return (await self.call_and_measure(boundary, name, arguments, parent=parent, laid_over=laid_over))["output"]

    async def call_and_measure(  # noqa: PLR0913 - as `call`, and what binds those on whose behalf it is
        self, boundary: Boundary, name: str, arguments: Json, *, parent: str, laid_over: LaidOver, above: tuple[Bound, ...] = ()
    ) -> Json:
        """Return ``{"output", "used": {"requests", "input_tokens", "output_tokens", "cost"}}`` of one call.

        What an agent used stands in its recorded result, so that limits count it after a resume too.
        """
        request = CallRequest(
            parent=parent,
            kind="agent",
            name=name,
            arguments=arguments,
            fingerprint=self._lock.prompts.get(name, ""),
            on_failure=NEVER_AGAIN,
            cache=self._caching(name, arguments, laid_over.cache),
            remembers=self._agent(name).history == "run",
            flaw=self._flaw(name, laid_over.on_failure),
        )
        return await boundary.call(request, lambda permit: self._perform(boundary, name, arguments, permit, laid_over.on_failure, above))

    def _flaw(self, name: str, overlay: OnFailure) -> Callable[[Sequence[Json]], str | None] | None:
        """Return what says why messages are no conversation, where what comes before such is gone back to."""
        agent = self._agent(name)
        reaction = merge_reactions(REACTIONS, agent.on_failure, overlay)["context"] if agent.history == "run" else None
        if reaction is None or reaction.rewind is False:
            return None
        from .conversation import flaw  # noqa: PLC0415 - brings pydantic-ai; only runs with agents pay for it

        return flaw

    def _caching(self, name: str, arguments: Json, laid_over: Cache | None) -> Caching | None:
        """Return how answers are shared: by the fields that the prompt names, or by all where a check sees them too."""
        agent = self._agent(name)
        setting = laid_over or agent.cache
        if setting.scope == "off" or agent.history == "run":
            return None  # what a conversation is answered depends on all of it
        given = values.dump(_given(agent.input, arguments))
        is_part = bool(agent.reads) and agent.check is None and isinstance(given, Mapping)
        reads = {field: given.get(field) for field in agent.reads} if is_part else given
        return caching(setting, agent_meaning(self._plan, self.params, self._lock, name), reads)

    async def _perform(  # noqa: PLR0913, PLR0917 - likewise
        self, boundary: Boundary, name: str, arguments: Json, permit: Permit, overlay: OnFailure, above: tuple[Bound, ...]
    ) -> Outcome:
        from .agent_loop import Visit, attempts  # noqa: PLC0415 - brings pydantic-ai; only runs with agents pay for it
        from .progress import Progress  # noqa: PLC0415 - likewise
        from .recorded_model import Meter  # noqa: PLC0415 - likewise
        from .trail import Trail  # noqa: PLC0415 - likewise

        agent, loop = self._agent(name), self._loop(name)
        given = _given(agent.input, arguments)
        aid = boundary.relief if isinstance(boundary, JournaledBoundary) else Relief()
        limits = aid.over(agent.limits) or Limits()
        reactions = merge_reactions(REACTIONS, agent.on_failure, overlay)
        meter = Meter(name, limits, (*above, _bound(name, permit.call_id, limits)))
        most = attempts(reactions)
        visit = Visit(boundary, permit.call_id, given, meter, reactions, overlay, Trail(name, most), Progress(name, most), aid.words)
        prompt = templates.render(name, self._prompt(agent), given)
        clock = asyncio.timeout(limits.time)
        try:
            waits = _waits_of(boundary)
            async with clock:
                with waits.bounded(clock, permit.call_id):
                    answered = await loop.run(visit, prompt, permit.earlier)
        except TimeoutError as late:
            if not clock.expired():
                raise
            msg = f"the agent {name} has used up its limits.time: {limits.time:g}s"
            raise Exhausted(msg, help=f"raise limits.time of {name}, or ask it for less") from late
        value = {"output": values.dump(answered.output), "used": visit.meter.used()}
        return Outcome(value, said=answered.said, is_whole=answered.is_whole) if agent.history == "run" else Outcome(value)

    async def _delegate(self, visit: Visit, name: str, arguments: Json) -> Json:
        laid_over, above = LaidOver(visit.overlay), visit.meter.bounds
        result = await self.call_and_measure(visit.boundary, name, arguments, parent=visit.call_id, laid_over=laid_over, above=above)
        used = result["used"]
        visit.meter.add(used["requests"], used["input_tokens"], used["output_tokens"], Decimal(used["cost"]))
        return result["output"]

    def _agent(self, name: str) -> AgentPlan:
        if name not in self._plan.agents:
            msg = f"there is no agent {name}"
            raise Refused(msg)
        return self._plan.agents[name]

    def _prompt(self, agent: AgentPlan) -> str:
        return self._prompts.get(agent.prompt, agent.prompt)

    def _loop(self, name: str) -> AgentLoop:
        if name not in self._loops:
            need_agents()
            from .agent_loop import AgentLoop, Surroundings  # noqa: PLC0415 - brings pydantic-ai; only runs with agents pay for it

            agent = self._agent(name)
            others = {one: self._agent(one).input for one in agent.agents}
            around = Surroundings(self.models, self.tools, others, self._delegate, lambda: known(self._secrets, self._plan.secrets))
            self._loops[name] = AgentLoop(name, agent, around)
        return self._loops[name]


def _bound(name: str, call: str, limits: Limits) -> Bound:
    """Return what one call of an agent may use, all that is asked on its behalf included."""
    help_ = f"raise {{what}} of {name}, or ask it for less"
    return Bound(call, "limits", limits.cost, limits.tokens, who=f"the agent {name}", help=help_)


def _given(type_text: str, arguments: Json) -> Any:
    """Return an agent's input; one that is no record may come as the keyword argument ``input``."""
    wanted = values.resolve(type_text)
    alone = isinstance(arguments, dict) and set(arguments) == {WHOLE} and wanted in values.BUILT_IN.values()
    return values.parse(wanted, arguments[WHOLE] if alone else arguments)


def _waits_of(boundary: Boundary) -> Idle:
    """Return where a boundary notes what is waited for, so that limits of time stand still."""
    if isinstance(boundary, JournaledBoundary):
        return boundary.recording.waits
    return boundary.waits if isinstance(boundary, UnrecordedBoundary) else Idle()
