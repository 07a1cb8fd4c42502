"""What identifies a request to a model: what it is sent, without times, ids, or whatever else is noted beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter
from pydantic_ai.models import ModelRequestParameters

from ...ports import Json
from .models import WINDOW

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


def request_arguments(messages: Iterable[ModelMessage], params: Mapping[str, Any], parameters: ModelRequestParameters) -> Json:
    """Return what identifies a request: what the model is sent, without times, ids and other notes."""
    return request_of(scrubbed(messages), params, parameters)


def request_of(said: list[dict[str, Any]], params: Mapping[str, Any], parameters: ModelRequestParameters) -> Json:
    """Return what identifies a request, of messages that were `scrubbed`.

    Tools are there by name only: editing a tool's docstring must not ask anew what was answered.
    """
    output = parameters.output_object.json_schema if parameters.output_object else None
    return {
        "messages": said,
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
