"""A pydantic-ai model whose every request goes through the effect boundary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from ....compiler.settings import REACTIONS, FailureClass, Limits, OnFailure, Reaction
from ...amounts import Bound
from ...failures import ContextLost, Crashed, Exhausted, Failure, Network, Throttled
from ...ports import Boundary, CallRequest, Json, Outcome, Permit
from .. import values
from .compaction import Compacted, cut, half_of, window_in
from .conversation import flaw
from .estimates import estimate
from .model_errors import failure_of
from .models import WINDOW, Models
from .trail import Trail, is_feedback, told

UNSTEADY_IN_MESSAGES = frozenset(
    (
        "timestamp",
        "run_id",
        "conversation_id",
        "metadata",
        "usage",
        "model_name",
        "model_id",
        "provider_name",
        "provider_url",
        "provider_details",
        "provider_response_id",
        "canonical_system",
        "workspace_ref",
        "history_digest",
        "failed_attempts",
        "state",
    )
)
"""What pydantic-ai notes beside a message, and a model is never sent."""
UNSTEADY_IN_PARTS = frozenset({"timestamp", "id", "provider_name", "provider_details", "metadata", "content_file_digests"})
QUOTA, OVERFLOW = "QuotaExceeded", "WindowOverflow"
"""The types of failures that are a provider's: its account has no credit left, its model's window is too small."""
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
        tried: list[Failure] = []
        *others, last = self._models.chain(self._name)
        for name in others:
            try:
                response = await self._within_window(name, messages, model_request_parameters)
            except Failure as failure:
                if not is_next_asked(failure):
                    raise _with_all(failure, tried) from failure.__cause__
                tried.append(failure)
                continue
            if response.finish_reason != "content_filter":
                return response
        try:
            return await self._within_window(last, messages, model_request_parameters)
        except Failure as failure:
            raise _with_all(failure, tried) from failure.__cause__

    async def _within_window(self, name: str, messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> ModelResponse:
        """Return the response to a conversation, made shorter where it doesn't fit, as often as the reaction to that says."""
        while True:
            try:
                response = await self._ask(name, self.kept.over(messages), parameters)
            except ContextLost as overflow:
                if overflow.type_name != OVERFLOW:
                    raise
                if not await self._compact(name, messages, overflow):
                    raise self._too_long(name, overflow) from overflow
            else:
                self._asking.trail.note(self._asking.boundary, self._asking.parent)
                return response

    async def _compact(self, name: str, messages: Sequence[ModelMessage], overflow: ContextLost) -> bool:
        """Make a conversation shorter for the rest of the call; return whether that could be done, and hadn't been often enough."""
        reaction = self._reaction("context")
        now = self.kept.over(messages)
        part = cut(now, self._asking.prompt, window_in(overflow.message) or half_of(now))
        if reaction.rewind is False or self._compactions >= (reaction.attempts or 1) or part is None:
            return False
        self._compactions += 1
        question = part.question()
        try:
            summary = None if question is None else (await self._ask(name, question, SUMMARY)).text
        except ContextLost:
            summary = None
        answered = sum(isinstance(one, ModelResponse) for one in messages)
        self.kept = Compacted(answered, tuple(part.shortened(summary)))
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

    async def _ask(self, name: str, messages: list[ModelMessage], parameters: ModelRequestParameters) -> ModelResponse:
        params = self._models.plan(name).params
        sent = request_arguments(messages, params, parameters)
        request = CallRequest(
            parent=self._asking.parent,
            kind="model",
            name=name,
            arguments=sent,
            fingerprint=self._asking.fingerprint,
            on_failure=self._asking.on_failure,
            flaw=None if self._reaction("context").rewind is False else flaw,
            patience=None if name == self._models.chain(self._name)[-1] else PATIENCE,
            turn=self._models.pace(name).turn,
            need=estimate(name, sent, parameters, params, self._models.price(name)),
            bounds=self._asking.meter.bounds,
        )

        async def perform(_permit: Permit) -> Outcome:
            self._refuse_overflow(name, messages, 0 if request.need is None else request.need.least)
            return await self._perform(name, messages, parameters)

        stored = await self._asking.boundary.call(request, perform)
        response = _response_in(name, stored)
        used = self._models.used(name, response.usage)
        self._asking.meter.add(1, used.input_tokens, used.output_tokens, used.cost)
        return response

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
        except BrokenOff as broken:
            failure = failure_of(name, broken.error, self._asking.secrets)
            failure.usage = self._models.used(name, broken.usage)
            self._models.pace(name).used(failure.usage.tokens)
            raise failure from None
        except Exception as error:  # noqa: BLE001 - whatever a provider's client raises becomes one of our failures
            # The provider's exception holds the request, and so the key: what is kept of it is in the failure.
            failure = _told_apart(failure_of(name, error, self._asking.secrets))
            if isinstance(failure, Throttled):
                await self._models.pace(name).refused(failure.retry_after)
            raise failure from None
        [stored] = ModelMessagesTypeAdapter.dump_python([response], mode="json", exclude_none=True)
        used = self._models.used(name, response.usage)
        self._models.pace(name).used(used.tokens)
        return Outcome(stored, used)

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


def is_next_asked(failure: Failure) -> bool:
    """Return whether a model's ``fallback`` is asked after a failure; a refusal is another reason."""
    return isinstance(failure, Throttled | Network | Crashed) or failure.type_name in {QUOTA, OVERFLOW}


def _with_all(failure: Failure, tried: Sequence[Failure]) -> Failure:
    """Return the failure of the last model that was asked, with the calls of all: once it is tried again, all of them are."""
    failure.calls = (*failure.calls, *(call for one in tried for call in one.blamed()))
    return failure


def _told_apart(failure: Failure) -> Failure:
    """Return a provider's failure with a type that says so: a budget of the run is used up, too, and an answer damaged."""
    own = {"exhausted": QUOTA, "context": OVERFLOW}
    failure.type_name = own.get(failure.kind, failure.type_name)
    return failure


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


def request_arguments(messages: Iterable[ModelMessage], params: Mapping[str, Any], parameters: ModelRequestParameters) -> Json:
    """Return what identifies a request: what the model is sent, without times, ids and other notes.

    Tools are there by name only: editing a tool's docstring must not ask anew what was answered.
    """
    output = parameters.output_object.json_schema if parameters.output_object else None
    return {
        "messages": scrubbed(messages),
        "params": {key: value for key, value in params.items() if key != WINDOW},
        "tools": sorted(tool.name for tool in parameters.function_tools),
        "output": [parameters.output_mode, output, [tool.parameters_json_schema for tool in parameters.output_tools]],
    }


def scrubbed(messages: Iterable[ModelMessage]) -> list[dict[str, Any]]:
    """Return messages as JSON in which two equal conversations are equal: call ids are numbered as they appear."""
    numbers: dict[str, str] = {}
    found = []
    for message in ModelMessagesTypeAdapter.dump_python(list(messages), mode="json"):
        kept = {key: value for key, value in message.items() if key not in UNSTEADY_IN_MESSAGES and value is not None}
        kept["parts"] = [_scrubbed_part(part, numbers) for part in message["parts"]]
        found.append(kept)
    return found


def _scrubbed_part(part: dict[str, Any], numbers: dict[str, str]) -> dict[str, Any]:
    kept = {key: value for key, value in part.items() if key not in UNSTEADY_IN_PARTS and value is not None}
    if "tool_call_id" in kept:
        kept["tool_call_id"] = numbers.setdefault(kept["tool_call_id"], f"call-{len(numbers) + 1}")
    return kept
