"""A scripted model inside the process: the same scripts as the server's, without HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..failures import CallableError, Network, Throttled
from ..perform.agents.models import need_agents
from . import protocol
from . import script as scripts
from .script import Asked, Reply, Script

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models.function import AgentInfo, FunctionModel


def scripted_model(script: Script | str | Path) -> FunctionModel:
    """Return a pydantic-ai model that answers from a script: a `Script`, or the path of its file.

    A spec may name it: ``models: {small: {use: "darner.testing:scripted_model", params: {script: script.yaml}}}``.
    """
    need_agents()
    from pydantic_ai.models.function import FunctionModel  # noqa: PLC0415 - only runs with agents pay for it

    loaded = script if isinstance(script, Script) else scripts.read(Path(script))

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        asked = _asked(messages)
        reply = loaded.reply(asked)
        if reply is None:
            msg = f"the script has no reply for {asked}"
            raise CallableError(msg)
        return _response(reply, info)

    return FunctionModel(answer, model_name="scripted")


def _asked(messages: list[ModelMessage]) -> Asked:
    from pydantic_ai.messages import ModelRequest, ToolReturnPart, UserPromptPart  # noqa: PLC0415 - likewise

    parts: list[Any] = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
    users = [part.content for part in parts if isinstance(part, UserPromptPart) and isinstance(part.content, str)]
    last = messages[-1].parts[-1] if messages and messages[-1].parts else None
    returned = last if isinstance(last, ToolReturnPart) else None
    return Asked(
        text=users[-1] if users else "",
        turn=1 + sum(not isinstance(message, ModelRequest) for message in messages),
        tool=returned.tool_name if returned else None,
        result=returned.content if returned else None,
        model="scripted",
    )


def _response(reply: Reply, info: AgentInfo) -> ModelResponse:
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart  # noqa: PLC0415 - likewise

    if reply.fail is not None:
        kind = Throttled if reply.fail.status == 429 else Network  # noqa: PLR2004 - too many requests
        raise kind(reply.fail.message, retry_after=reply.fail.retry_after)
    if reply.refuse is not None:
        return ModelResponse(parts=[], finish_reason="content_filter", provider_details={"refusal": reply.refuse})
    if reply.text is not None:
        return ModelResponse(parts=[TextPart(reply.text)])
    if reply.raw is not None:
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, reply.raw) if info.output_tools else TextPart(reply.raw)])
    if reply.call is not None:
        return ModelResponse(parts=[ToolCallPart(name, arguments) for name, arguments in reply.calls()])
    if info.output_tools:
        tool = info.output_tools[0]
        return ModelResponse(parts=[ToolCallPart(tool.name, protocol.wrapped(reply.answer, tool.parameters_json_schema))])
    answer = reply.answer
    return ModelResponse(parts=[TextPart(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))])
