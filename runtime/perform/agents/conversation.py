"""Messages of a conversation that goes on over an agent's calls: to JSON, and back as a history that a model can be sent."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest, ModelResponse, ToolCallPart

from ...failures import ContextLost
from ...ports import Json
from .. import values

_OF_THE_CALL = ("run_id", "conversation_id", "metadata")
"""What pydantic-ai notes of the call that a message was first said in: without it, a response is kept as it was recorded."""


def told(messages: Sequence[ModelMessage]) -> tuple[Json, ...]:
    """Return messages as JSON, one by one."""
    dumped = ModelMessagesTypeAdapter.dump_python(list(messages), mode="json", exclude_none=True)
    return tuple({key: value for key, value in message.items() if key not in _OF_THE_CALL} for message in dumped)


def read(agent: str, earlier: Sequence[Json]) -> list[ModelMessage]:
    """Return the history that messages make; `ContextLost` says why they are none."""
    try:
        history = ModelMessagesTypeAdapter.validate_python(list(earlier))
    except ValidationError as error:
        raise _lost(agent, values.explain(error)) from error
    if history and not isinstance(history[0], ModelRequest):
        raise _lost(agent, "it begins with an answer")
    _refuse_open_calls(agent, history)
    return history


def _refuse_open_calls(agent: str, history: Sequence[ModelMessage]) -> None:
    """Refuse a history in which a tool was called and its result is missing: no provider takes it."""
    is_open: set[str] = set()
    for message in history:
        if isinstance(message, ModelResponse):
            if is_open:
                break
            is_open = {part.tool_call_id for part in message.parts if isinstance(part, ToolCallPart)}
        else:
            is_open -= {str(getattr(part, "tool_call_id", "")) for part in message.parts}
    if is_open:
        raise _lost(agent, f"the result of the tool call {min(is_open)} is missing")


def _lost(agent: str, reason: str) -> ContextLost:
    msg = f"the conversation of the agent {agent} is damaged: {reason}"
    return ContextLost(msg, help="`darner resume RUN --redo STEP` asks anew the step whose turn it is")
