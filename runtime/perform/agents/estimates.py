"""What a request to a model will use, by what is sent: reckoned before it is made.

Nobody but the provider counts tokens exactly. Of the text that is sent (prompts, answers, what tools were called with and
gave), six bytes a token are the *least*: prose in English has four to five, code, numbers and other scripts fewer. One
byte a token of everything, with names, schemas and what stands between messages, is the *most*. What isn't text (images,
sound, files by their addresses) can't be reckoned, and counts by its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_ai.models import ModelRequestParameters

from ....compiler.settings import Price
from ...amounts import Estimate
from ...ports import Json

BYTES_PER_TOKEN = 6
_BETWEEN_MESSAGES = 16
"""Tokens by which providers set one message off from the next, at most."""


def estimate(model: str, sent: Json, parameters: ModelRequestParameters, longest: int | None, price: Price | None) -> Estimate:
    """Return what a request will use.

    Args:
        model: its name in the plan.
        sent: what identifies the request, see `requests.request_arguments`.
        parameters: the tools that are offered, and the answer that is wanted.
        longest: how many tokens its answer may have, where the request says so.
        price: what it costs, where that is known.
    """
    messages: Sequence[Mapping[str, Any]] = sent["messages"]
    said = sum(len(text.encode("utf-8", "surrogatepass")) for message in messages for text in _said(message))
    tools = [[tool.name, tool.description, tool.parameters_json_schema] for tool in (*parameters.function_tools, *parameters.output_tools)]
    around = len(json.dumps([sent, tools], ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
    return Estimate(model, said // BYTES_PER_TOKEN, around + _BETWEEN_MESSAGES * len(messages), longest, price)


def _said(message: Mapping[str, Any]) -> Iterator[str]:
    yield message.get("instructions") or ""
    for part in message["parts"]:
        yield from _texts(part.get("content"))
        yield from _texts(part.get("args"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
