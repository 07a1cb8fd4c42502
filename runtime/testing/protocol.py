"""The OpenAI chat-completions protocol, as far as a scripted server speaks it: requests read, replies written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .script import Asked, Reply

OUTPUT_TOOL = "final_result"
"""How pydantic-ai names the tool by which a model gives its typed output."""
WRAPPED = "response"
"""How pydantic-ai names the only field of an output that is no object."""
BORN = 1_700_000_000
"""When every reply was made: replies don't vary."""
LETTERS_PER_TOKEN = 4


def asked(body: Mapping[str, Any]) -> Asked:
    """Return what a request says to a script."""
    messages: Sequence[Mapping[str, Any]] = body.get("messages") or ()
    users = [_text(one.get("content")) for one in messages if one.get("role") == "user"]
    turn = 1 + sum(one.get("role") == "assistant" for one in messages)
    tool, result = _last_result(messages)
    return Asked(text=users[-1] if users else "", turn=turn, tool=tool, result=result, model=str(body.get("model", "")))


def _last_result(messages: Sequence[Mapping[str, Any]]) -> tuple[str | None, Any]:
    if not messages or messages[-1].get("role") != "tool":
        return None, None
    named = {call["id"]: call["function"]["name"] for one in messages for call in one.get("tool_calls") or ()}
    text = _text(messages[-1].get("content"))
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = text
    return named.get(messages[-1].get("tool_call_id", "")), value


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content or ""


def completion(body: Mapping[str, Any], reply: Reply, number: int) -> dict[str, Any]:
    """Return a reply as a chat completion; ``number`` is the request's, from 1."""
    message: dict[str, Any] = {"role": "assistant", "content": None, **_message(body, reply)}
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    output = reply.usage.output
    used_in = reply.usage.input if reply.usage.input is not None else _tokens(body.get("messages"))
    used_out = output if output is not None else _tokens([message.get("content"), message.get("tool_calls")])
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": BORN,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": used_in, "completion_tokens": used_out, "total_tokens": used_in + used_out},
    }


def _message(body: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    if reply.refuse is not None:
        return {"refusal": reply.refuse}
    if reply.text is not None:
        return {"content": reply.text}
    if reply.raw is not None:
        return _raw(body, reply.raw)
    if reply.call is not None:
        return {"tool_calls": _calls(body, reply.calls())}
    output = _output_tool(body)
    if output is not None:
        return {"tool_calls": _calls(body, [(output["name"], wrapped(reply.answer, output.get("parameters", {})))])}
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema", {})
    answer = wrapped(reply.answer, schema) if schema else reply.answer
    return {"content": answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)}


def _output_tool(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    tools = (tool["function"] for tool in body.get("tools") or ())
    return next((one for one in tools if one["name"].startswith(OUTPUT_TOOL)), None)


def _raw(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return a text as typed output that nobody wrote as JSON."""
    output = _output_tool(body)
    if output is None:
        return {"content": text}
    [call] = _calls(body, [(output["name"], {})])
    return {"tool_calls": [{**call, "function": {**call["function"], "arguments": text}}]}


def refused(body: Mapping[str, Any], window: int | None, left: int | None) -> tuple[int, dict[str, Any]] | None:
    """Return how a provider refuses what is larger than its model's window, or what there is no credit for; None otherwise."""
    asked_for = _tokens(body.get("messages"))
    if left is not None and left <= 0:
        return 429, error("You exceeded your current quota, please check your plan and billing details.", code="insufficient_quota")
    if window is not None and asked_for > window:
        words = f"This model's maximum context length is {window} tokens. However, your messages resulted in {asked_for} tokens."
        return 400, error(words, code="context_length_exceeded")
    return None


def wrapped(answer: Any, schema: Mapping[str, Any]) -> Any:
    """Return an answer as the schema wants it: pydantic-ai puts one that is no object into a field of its own."""
    alone = list(schema.get("properties", {})) == [WRAPPED]
    return {WRAPPED: answer} if alone and not (isinstance(answer, dict) and WRAPPED in answer) else answer


def _calls(body: Mapping[str, Any], calls: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    turn = asked(body).turn
    return [
        {
            "id": f"call_{turn}_{index}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)},
        }
        for index, (name, arguments) in enumerate(calls, start=1)
    ]


def _tokens(value: Any) -> int:
    return max(1, len(json.dumps(value, ensure_ascii=False)) // LETTERS_PER_TOKEN)


def error(message: str, kind: str = "invalid_request_error", code: str | None = None) -> dict[str, Any]:
    """Return an error's body."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
