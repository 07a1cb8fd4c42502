"""A reply in pieces, as server-sent events: what a model server sends to a client that asked for a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

DONE = b"data: [DONE]\n\n"
LETTERS = 12
"""How much of a text, or of a call's arguments, is in one piece."""


def pieces(body: Mapping[str, Any], completion: Mapping[str, Any]) -> list[bytes]:
    """Return a chat completion as the events of a stream; the last two are its finish (with the usage, if asked for) and the end."""
    choice = completion["choices"][0]
    deltas = [{"role": "assistant", "content": ""}, *_deltas(choice["message"])]
    sent = [_event(completion, [{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    finish = _event(completion, [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}])
    if (body.get("stream_options") or {}).get("include_usage"):
        finish += _event(completion, [], usage=completion["usage"])
    return [*sent, finish, DONE]


def _event(completion: Mapping[str, Any], choices: list[Any], **more: Any) -> bytes:
    same = {key: completion[key] for key in ("id", "created", "model")}
    text = json.dumps({**same, "object": "chat.completion.chunk", "choices": choices, **more}, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("content", "refusal"):
        for part in _cut(message.get(key) or ""):
            yield {key: part}
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        yield {
            "tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": ""}}]
        }
        for part in _cut(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def _cut(text: str) -> Iterator[str]:
    for start in range(0, len(text), LETTERS):
        yield text[start : start + LETTERS]
