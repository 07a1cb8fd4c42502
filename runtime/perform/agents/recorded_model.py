"""A pydantic-ai model whose every request goes through the effect boundary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, cast

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from ....compiler.settings import REACTIONS, FailureClass, Limits, OnFailure, Reaction
from ...amounts import Bound
from ...failures import ContextLost, Exhausted, Failure, Network, Throttled
from ...ports import Boundary, CallRequest, Json, Outcome, Permit
from .. import values
from .chain import OVERFLOW, Chain, is_next_asked, told_apart, with_all
from .compaction import Compacted, cut, half_of, window_in
from .conversation import flaw
from .estimates import estimate
from .hints import HintDue, Hints
from .model_errors import failure_of
from .models import Models
from .requests import request_of, scrubbed
from .trail import Trail, is_feedback, told

REDO = "`darner resume RUN --redo STEP` asks anew the step whose turn it is"
PATIENCE = 60.0
"""Seconds that a model with a fallback may be waited for at a time; then the fallback is asked."""
SUMMARY = ModelRequestParameters(output_mode="text", allow_text_output=True)


@dataclass
class Meter:
    """What one agent has used, against what it may."""

    agent: str
    limits: Limits
    bounds: tuple[Bound, ...] = ()
    """In tokens and money: what it may use, and what those may that called it, outermost first."""
    turns: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    def begin(self, messages: Sequence[ModelMessage]) -> None:
        """Count a request that is about to be made; `Exhausted` where there is no turn left. Feedback is not a turn."""
        # The first request of a call that goes on with a conversation looks like feedback, and isn't.
        if self.turns == 0 or not is_feedback(messages):
            if self.limits.turns is not None and self.turns >= self.limits.turns:
                msg = f"the agent {self.agent} has used up its limits.turns: {self.turns} of {self.limits.turns}"
                raise Exhausted(msg, help=f"raise limits.turns of {self.agent}, or ask it for less")
            self.turns += 1

    def used(self) -> Json:
        """Return what was used, as JSON."""
        counts = {"requests": self.requests, "input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return {**counts, "cost": str(self.cost)}

    def add(self, requests: int, input_tokens: int, output_tokens: int, cost: Decimal) -> None:
        """Add what a request, or another agent, used."""
        self.requests += requests
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.cost += cost


class BrokenOff(Exception):
    """A stream ended before its answer did; ``usage`` is what the provider had said by then that it used."""

    def __init__(self, error: Exception, usage: RequestUsage) -> None:
        super().__init__(str(error))
        self.error = error
        self.usage = usage


async def never(_answer: ModelResponse) -> bool:
    """Return False: what was refused stays refused."""
    return False


@dataclass(frozen=True)
class Asking:
    """On whose behalf a model is asked."""

    boundary: Boundary
    parent: str
    meter: Meter
    on_failure: OnFailure
    trail: Trail
    prompt: str
    secrets: tuple[str, ...] = ()
    fingerprint: str = ""
    hints: tuple[str, ...] = ()
    """What people said to it, since it had failed."""
    accepts: Callable[[ModelResponse], Awaitable[bool]] = never
    """Whether an answer that was refused before is acceptable as things are now."""


class Answers(WrapperModel):
    """A model that gives an answer that it gave before, to see what becomes of it."""

    def __init__(self, model: Model, answer: ModelResponse) -> None:
        super().__init__(model)
        self._answer = answer

    async def request(
        self,
        messages: list[ModelMessage],  # noqa: ARG002 - the shape of a model
        model_settings: ModelSettings | None,  # noqa: ARG002 - likewise
        model_request_parameters: ModelRequestParameters,  # noqa: ARG002 - likewise
    ) -> ModelResponse:
        """Return the answer; nobody is asked."""
        return self._answer


class RecordedModel(WrapperModel):
    """Serves what the boundary has on record, asks the model otherwise, and its fallbacks after that."""

    def __init__(self, models: Models, name: str, asking: Asking) -> None:
        super().__init__(models.model(name))
        self._models = models
        self._name = name
        self._asking = asking
        self.kept = Compacted()
        """What became of a conversation that was too long."""
        self._compactions = 0
        self._chain = Chain(models.chain(name))
        self._hints = Hints(asking.hints)

    def said(self, messages: Sequence[ModelMessage], new: int) -> tuple[Sequence[ModelMessage], bool]:
        """Return what was said in the call, of a conversation whose ``new`` last messages are; and whether it stands for all before."""
        whole = self._hints.over(messages)
        return (self.kept.over(whole), True) if self.kept.messages else (whole[len(whole) - new :], False)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,  # noqa: ARG002 - each model of the chain has settings of its own
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Return the response to one request; raises the `Failure` of the last model that was asked."""
        self._asking.meter.begin(messages)
        if self._asking.trail.answers and is_feedback(messages):
            self._asking.boundary.refuse(self._asking.parent, told(messages))
        self._asking.trail.begin(messages)
        while True:
            try:
                return await self._first_of(self._hints.over(messages), model_request_parameters)
            except HintDue:
                self.kept = self._hints.say(messages, self.kept)

    async def _first_of(self, messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> ModelResponse:
        """Return the response of the first model of the chain that has one."""
        now = scrubbed(self.kept.over(messages)) if len(self._chain.names) > 1 else []
        usable, out = self._chain.order(lambda name: self._asking.boundary.look(self._call(name, now, parameters)))
        tried: list[Failure] = []
        for name in usable:
            patience = None if name == usable[-1] else PATIENCE
            try:
                response = await self._within_window(name, messages, parameters, patience)
            except Failure as failure:
                tried.append(failure)
                self._chain.failed(name, failure)
                if not is_next_asked(failure):
                    raise with_all(failure, tried) from failure.__cause__
                continue
            self._chain.answered(name)
            if response.finish_reason != "content_filter" or name == usable[-1]:
                return response
        return await self._after_all(out, messages, parameters, tried)

    async def _after_all(
        self, out: Sequence[str], messages: Sequence[ModelMessage], parameters: ModelRequestParameters, tried: list[Failure]
    ) -> ModelResponse:
        """Return the response of a model that had declared itself out, now that no other one answers; else the others' last failure."""
        last = tried[-1]
        for name in out:
            try:
                response = await self._within_window(name, messages, parameters, PATIENCE)
            except Failure as failure:
                tried.append(failure)
            else:
                self._chain.answered(name)
                return response
        raise with_all(last, tried) from last.__cause__

    async def _within_window(
        self, name: str, messages: Sequence[ModelMessage], parameters: ModelRequestParameters, patience: float | None
    ) -> ModelResponse:
        """Return the response to a conversation, made shorter where it doesn't fit, as often as the reaction to that says."""
        while True:
            try:
                response = await self._ask(name, self.kept.over(messages), parameters, patience)
            except ContextLost as overflow:
                if overflow.type_name != OVERFLOW:
                    raise
                if not await self._compact(name, messages, overflow, patience):
                    raise self._too_long(name, overflow) from overflow
            else:
                self._asking.trail.note(self._asking.boundary, self._asking.parent)
                return response

    async def _compact(self, name: str, messages: Sequence[ModelMessage], overflow: ContextLost, patience: float | None) -> bool:
        """Make a conversation shorter for the rest of the call; return whether that could be done, and hadn't been often enough."""
        reaction = self._reaction("context")
        now = self.kept.over(messages)
        part = cut(now, self._asking.prompt, window_in(overflow.message) or half_of(now))
        if reaction.rewind is False or self._compactions >= (reaction.attempts or 1) or part is None:
            return False
        question = part.question()
        try:
            summary = None if question is None else (await self._ask(name, question, SUMMARY, patience)).text
        except ContextLost:
            summary = None
        self._compactions += 1
        answered = sum(isinstance(one, ModelResponse) for one in messages)
        self.kept = Compacted(answered, tuple(part.shortened(summary)))
        self._chain.shortened()
        return True

    def _too_long(self, name: str, overflow: ContextLost) -> Failure:
        if not self._compactions:
            return overflow
        msg = f"the conversation of {self._asking.meter.agent} is too long for {name}, though it was made shorter: {overflow.message}"
        failure = Exhausted(msg, type_name=OVERFLOW, help="give it a model with a larger window, or let its tools give less")
        failure.calls = overflow.calls
        return failure

    def _reaction(self, kind: FailureClass) -> Reaction:
        return self._asking.on_failure.get(kind, REACTIONS[kind])

    def _call(self, name: str, said: list[dict[str, Any]], parameters: ModelRequestParameters) -> CallRequest:
        """Return what identifies a request."""
        sent = request_of(said, self._models.said_params(name), parameters)
        return CallRequest(parent=self._asking.parent, kind="model", name=name, arguments=sent, fingerprint=self._asking.fingerprint)

    async def _ask(
        self, name: str, messages: list[ModelMessage], parameters: ModelRequestParameters, patience: float | None
    ) -> ModelResponse:
        call = self._call(name, scrubbed(messages), parameters)
        need = estimate(name, call.arguments, parameters, self._models.longest(name), self._models.price(name))
        request = call._replace(
            on_failure=self._asking.on_failure,
            flaw=None if self._reaction("context").rewind is False else flaw,
            patience=patience,
            turn=self._models.pace(name).turn,
            need=need,
            bounds=self._asking.meter.bounds,
        )

        async def perform(_permit: Permit) -> Outcome:
            self._refuse_overflow(name, messages, need.least)
            return await self._perform(name, messages, parameters)

        response = _response_in(name, await self._answer_to(request, perform))
        used = self._models.used(name, response.usage)
        self._asking.meter.add(1, used.input_tokens, used.output_tokens, used.cost)
        return response

    async def _answer_to(self, request: CallRequest, perform: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return what is on record, or what was refused and is accepted as things are now; ask where there is neither.

        Raises:
            HintDue: it would be asked, and there is something to say first.
        """
        known = self._asking.boundary.look(request)
        for refused in known.refused:
            if await self._asking.accepts(_response_in(request.name, refused)):
                free = request._replace(turn=None, need=None, bounds=())
                return await self._asking.boundary.call(free, partial(_given, refused))
        if not known.is_served and self._hints.are_due:
            raise HintDue
        return await self._asking.boundary.call(request, perform)

    def _refuse_overflow(self, name: str, messages: Sequence[ModelMessage], least: int) -> None:
        """Raise `ContextLost` for what is surely larger than the window: some servers cut it off in silence."""
        window = self._models.window(name)
        # What an answer in a conversation that was made shorter says of it is true no more.
        answers = () if self._compactions else reversed(messages)
        before = next((one.usage.input_tokens for one in answers if isinstance(one, ModelResponse)), 0)
        if window is not None and max(before, least) > window:
            msg = f"the model {name}: at least {max(before, least)} tokens are no conversation for a context window of {window}"
            raise ContextLost(msg, type_name=OVERFLOW)

    async def _perform(self, name: str, messages: list[ModelMessage], parameters: ModelRequestParameters) -> Outcome:
        # A spec's params are the provider's own settings: pydantic-ai passes on those that it knows.
        settings = cast("ModelSettings", self._models.settings(name))
        try:
            response = await self._response(name, messages, settings, parameters)
        except Exception as error:  # noqa: BLE001 - whatever a provider's client raises becomes one of our failures
            # The provider's exception holds the request, and so the key: what is kept of it is in the failure.
            raise await self._failed(name, error) from None
        [stored] = ModelMessagesTypeAdapter.dump_python([response], mode="json", exclude_none=True)
        used = self._models.used(name, response.usage)
        self._models.pace(name).used(used.tokens)
        return Outcome(stored, used)

    async def _failed(self, name: str, error: Exception) -> Failure:
        """Return what a request failed with; of a stream that broke off, with what it had used by then."""
        broken = error if isinstance(error, BrokenOff) else None
        failure = told_apart(failure_of(name, error if broken is None else broken.error, self._asking.secrets))
        if broken is not None:
            failure.usage = self._models.used(name, broken.usage)
        pace = self._models.pace(name)
        if isinstance(failure, Throttled):
            await pace.refused(failure.retry_after)
        elif broken is not None:
            pace.used(failure.usage.tokens)
        return failure

    async def _response(
        self, name: str, messages: list[ModelMessage], settings: ModelSettings, parameters: ModelRequestParameters
    ) -> ModelResponse:
        """Return a model's response, whole: a stream counts when it has said that it is finished, and not before."""
        model = self._models.model(name)
        if not self._models.streams(name):
            return await model.request(messages, settings, parameters)
        async with model.request_stream(messages, settings, parameters) as stream:
            try:
                async for _ in stream:
                    pass
            except Exception as error:
                raise BrokenOff(error, stream.usage) from error
            response = stream.get()
        if response.state != "complete" or response.finish_reason is None:
            msg = f"the model {name}: its answer broke off before it was finished"
            raise BrokenOff(Network(msg, type_name="TruncatedStream"), response.usage)
        return response


async def _given(stored: Json, _permit: Permit) -> Outcome:
    """Give an answer that was paid before."""
    return Outcome(stored)


def _response_in(name: str, stored: Json) -> ModelResponse:
    """Return a response as it was recorded; `ContextLost` where it is none, or one that this version can't read."""
    try:
        [response] = ModelMessagesTypeAdapter.validate_python([stored])
    except ValidationError as error:
        msg = f"what is on record for the model {name} can't be read: {values.explain(error)}"
        raise ContextLost(msg, help=REDO) from error
    if not isinstance(response, ModelResponse):
        msg = f"what is on record for the model {name} is no response"
        raise ContextLost(msg, help=REDO)
    return response
