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
    why = flaw(earlier)
    if why is not None:
        msg = f"the conversation of the agent {agent} is damaged: {why}"
        raise ContextLost(msg, help="`darner resume RUN --redo STEP` asks anew the step whose turn it is")
    return ModelMessagesTypeAdapter.validate_python(list(earlier))


def flaw(earlier: Sequence[Json]) -> str | None:
    """Return why messages are no history that a provider would take, None where they are one."""
    try:
        history = ModelMessagesTypeAdapter.validate_python(list(earlier))
    except ValidationError as error:
        return values.explain(error)
    if history and not isinstance(history[0], ModelRequest):
        return "it begins with an answer"
    missing = _open_call(history)
    return None if missing is None else f"the result of the tool call {missing} is missing"


def _open_call(history: Sequence[ModelMessage]) -> str | None:
    """Return a tool call whose result is missing: no provider takes such a history."""
    is_open: set[str] = set()
    for message in history:
        if isinstance(message, ModelResponse):
            if is_open:
                break
            is_open = {part.tool_call_id for part in message.parts if isinstance(part, ToolCallPart)}
        else:
            is_open -= {str(getattr(part, "tool_call_id", "")) for part in message.parts}
    return min(is_open, default=None)
