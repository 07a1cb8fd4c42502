"""One agent's conversation: pydantic-ai's loop around the recorded model, the tools and the judgement of the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_ai import Agent, AgentRetries, ModelRetry, NativeOutput, PromptedOutput, RunContext, Tool, ToolOutput, UsageLimits
from pydantic_ai import exceptions as theirs
from pydantic_ai.messages import ModelResponse, ToolCallPart

from ....compiler.meaning.prompts import WHOLE
from ....compiler.plan import AgentPlan
from ....compiler.settings import REACTIONS, OnFailure
from ...failures import CallableError, Denied, Exhausted, Refused, Semantic
from ...ports import Boundary, Json
from .. import values
from ..secrets import redact
from ..tools import LaidOver, Tools
from . import conversation
from .agent_answer import Answer
from .models import Models
from .progress import Progress
from .recorded_model import Answers, Asking, Meter, RecordedModel
from .trail import Trail

OUTPUTS: Mapping[str, Callable[[Any], Any]] = {"tool": ToolOutput, "native": NativeOutput, "prompted": PromptedOutput}

ANSWER = "final_result"
"""What pydantic-ai calls the tool by which a model gives its answer."""


@dataclass(frozen=True)
class Visit:
    """One call of one agent: on whose behalf, with what input, and what was used and asked so far."""

    boundary: Boundary
    call_id: str
    given: Any
    meter: Meter
    on_failure: OnFailure
    overlay: OnFailure
    trail: Trail
    progress: Progress
    hints: tuple[str, ...] = ()


Delegate = Callable[[Visit, str, Json], Awaitable[Json]]
"""Calls another agent for a visit, counts what it used, and returns its output as JSON."""


@dataclass(frozen=True)
class Answered:
    """An agent's answer, an instance of its output type; and the messages that led to it, as JSON."""

    output: Any
    said: tuple[Json, ...]
    is_whole: bool = False
    """Whether they stand for those that it went on with, too: it was made shorter."""


@dataclass(frozen=True)
class Surroundings:
    """What an agent works with. ``agents`` are those that it may call, with the type of each one's input."""

    models: Models
    tools: Tools
    agents: Mapping[str, str]
    delegate: Delegate
    secrets: Callable[[], tuple[str, ...]]


class AgentLoop:
    """A built agent. It keeps nothing of a call: many calls may be under way at once."""

    def __init__(self, name: str, agent: AgentPlan, around: Surroundings) -> None:
        self._name = name
        self._plan = agent
        self._around = around
        self._answer = Answer(agent)
        self._refuse_equal_names()
        self._agent: Agent[Visit, Any] = Agent(
            None,
            output_type=self._output(),
            deps_type=Visit,
            name=name,
            tools=[*map(self._tool, agent.tools), *map(self._colleague, agent.agents)],
            defer_model_check=True,
        )
        self._agent.output_validator(self._accept)
        self._offered = {*agent.tools, *agent.agents, *(around.tools.interface(one).name for one in agent.tools)}

    async def run(self, visit: Visit, prompt: str, earlier: Sequence[Json] = ()) -> Answered:
        """Return the agent's answer, accepted, and the messages that led to it.

        ``earlier`` are the messages of the conversation that it goes on with.

        Raises:
            Failure: as `agents.Agents.call` says; `ContextLost` where ``earlier`` is no conversation.
        """
        history = conversation.read(self._name, earlier)
        secrets = self._around.secrets()
        asking = Asking(
            visit.boundary, visit.call_id, visit.meter, visit.on_failure, visit.trail, prompt, secrets, hints=visit.hints,
            accepts=partial(self._accepts, visit),
        )  # fmt: skip
        model = RecordedModel(self._around.models, self._plan.model, asking)
        again = attempts(visit.on_failure) - 1
        try:
            result = await self._agent.run(
                prompt,
                message_history=history or None,
                model=model,
                deps=visit,
                retries=AgentRetries(tools=again, output=again),
                usage_limits=UsageLimits(request_limit=None),
            )
        except theirs.UnexpectedModelBehavior as error:
            refusal = self._unacceptable(error, secrets)
            visit.boundary.refuse(visit.call_id, refusal.message)
            raise visit.trail.blamed(refusal) from error
        except theirs.AgentRunError as error:
            text = redact(str(error), secrets)
            raise CallableError(f"the agent {self._name} stopped: {text}", type_name=type(error).__name__) from error
        said, is_whole = model.said(result.all_messages(), len(result.new_messages()))
        return Answered(result.output, conversation.told(said), is_whole)

    def _refuse_equal_names(self) -> None:
        """Refuse what a model couldn't tell apart: two tools of one name, or one that is called as its answer is."""
        is_by_tool = self._answer.asked is not str and self._around.models.mode(self._plan.model) == "tool"
        seen = {ANSWER: "by which it gives its answer"} if is_by_tool else {}
        for name, offered in ((one, self._around.tools.interface(one).name) for one in self._plan.tools):
            if offered in seen:
                msg = f"the agent {self._name} would be offered two tools called {offered}: {name}, and that {seen[offered]}"
                raise Refused(msg, help="call it something else")
            seen[offered] = f"of {name}"

    async def _accepts(self, visit: Visit, answer: ModelResponse) -> bool:
        """Return whether an answer that was refused is acceptable as the output type and the check are now; no tool is called."""
        if any(isinstance(part, ToolCallPart) and part.tool_name in self._offered for part in answer.parts):
            return False
        model = Answers(self._around.models.model(self._plan.model), answer)
        try:
            await self._agent.run("again", model=model, deps=visit, retries=AgentRetries(tools=0, output=0))
        except theirs.AgentRunError:
            return False
        return True

    def _unacceptable(self, error: theirs.UnexpectedModelBehavior, secrets: tuple[str, ...]) -> Semantic:
        # Behind what the loop says of its counts stands what the model was told last.
        text = redact(str(error.__cause__ or error.message), secrets)
        return Semantic(f"the agent {self._name} gave no acceptable answer: {text}", type_name=type(error).__name__)

    def _output(self) -> Any:
        asked = self._answer.asked
        return str if asked is str else OUTPUTS[self._around.models.mode(self._plan.model)](asked)

    async def _accept(self, context: RunContext[Visit], answer: Any) -> Any:
        try:
            return await self._answer.accept(context.deps.given, answer)
        except Semantic as refusal:
            raise ModelRetry(refusal.message) from refusal

    def _tool(self, name: str) -> Tool[Visit]:
        offered = self._around.tools.interface(name)

        async def call(context: RunContext[Visit], **arguments: Any) -> Any:
            visit = context.deps
            return await self._asked(context, name, arguments, lambda: self._call_tool(visit, name, arguments))

        return Tool.from_schema(call, offered.name, offered.description, offered.schema, takes_ctx=True)

    async def _call_tool(self, visit: Visit, name: str, arguments: Json) -> Json:
        return await self._around.tools.call(visit.boundary, name, arguments, parent=visit.call_id, laid_over=LaidOver(visit.overlay))

    def _colleague(self, name: str) -> Tool[Visit]:
        schema = values.adapter(self._around.agents[name]).json_schema()
        whole = schema.get("type") == "object"
        offered = schema if whole else {"type": "object", "properties": {WHOLE: schema}, "required": [WHOLE]}

        async def call(context: RunContext[Visit], **arguments: Any) -> Any:
            unknown = sorted(set(arguments) - set(offered.get("properties", {})))
            if unknown and not offered.get("additionalProperties"):
                msg = f"{name} takes {', '.join(offered.get('properties', {})) or 'nothing'}, not {unknown[0]}"
                raise ModelRetry(msg)
            given = arguments if whole else arguments.get(WHOLE)
            return await self._asked(context, name, arguments, lambda: self._around.delegate(context.deps, name, given))

        return Tool.from_schema(call, name, f"Ask the agent {name}.", offered, takes_ctx=True)

    async def _asked(
        self,
        context: RunContext[Visit],
        name: str,
        arguments: Json,
        perform: Callable[[], Coroutine[Any, Any, Json]] | Callable[[], Awaitable[Json]],
    ) -> Json:
        """Perform what a model asked for; what is wrong with the question goes back to it."""
        visit, turn = context.deps, context.run_step
        is_known = visit.progress.was_just_asked(turn, name, arguments) and not self._is_read(name)
        try:
            result = None if is_known else await perform()
        except Denied as refusal:
            # No mistake of the model's: it uses up no attempt, and the agent goes on knowing it.
            return refusal.message
        except Semantic as refusal:
            visit.trail.calls += refusal.calls
            raise ModelRetry(refusal.message) from refusal
        self._refuse_repeated(visit, turn, name, arguments, result, is_known=is_known)
        return result

    def _is_read(self, name: str) -> bool:
        """Return whether a call may give something else the next time, and does no harm: what is waited for is looked at again."""
        return name in self._plan.tools and not self._around.tools.writes(name)

    def _refuse_repeated(self, visit: Visit, turn: int, name: str, arguments: Json, result: Json, *, is_known: bool) -> None:  # noqa: PLR0913 - one call, and what it gave
        """Feed back that there is no progress; `Exhausted` where that was done often enough."""
        try:
            told = visit.progress.repeats(turn, name, arguments, result, is_known=is_known)
        except Exhausted as stuck:
            self._note_repeated(visit, is_known=is_known)
            visit.boundary.refuse(visit.call_id, stuck.message)
            raise visit.trail.blamed(stuck) from None
        if told is not None:
            self._note_repeated(visit, is_known=is_known)
            raise ModelRetry(told)

    def _note_repeated(self, visit: Visit, *, is_known: bool) -> None:
        """Let what gave the same again be made anew, once the agent is tried again: it may give something else by then."""
        if not is_known:
            visit.trail.note(visit.boundary, visit.call_id)


def attempts(reactions: OnFailure) -> int:
    """Return how many answers in a row may be refused: one, where the model isn't told why."""
    reaction = reactions.get("semantic", REACTIONS["semantic"])
    return 1 if reaction.feedback is False else reaction.attempts or 1
