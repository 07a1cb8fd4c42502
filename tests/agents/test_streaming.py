"""Answers in pieces: recorded whole, or not at all."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import ModelPlan
from darner.runtime.failures import Network, Refused
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.limits.looking import shared
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.testing import MemoryBoundary, ModelServer

from .world import agent, model, plan, run, tool

STREAM: dict[str, Any] = {"params": {"stream": True}}
ONCE = {"network": {"attempts": 1}}
LONG = "a long answer about a mug that is blue, or at least was blue when it was last seen " * 4


def test_a_streamed_answer_is_the_same_as_one_in_one_piece() -> None:
    """Text, tool calls, typed output and usage; the model is asked for a stream, and nothing else differs."""
    script = """
    replies:
      - {when: {turn: 1}, call: [{stock: {item: mug}}, {stock: {item: teapot}}], usage: {input: 700, output: 30}}
      - {when: {result: stock}, answer: {text: "there are {result.count} of {result.item}"}, usage: {input: 900, output: 20}}
    """
    one, other = (run(script, tools={"stock": tool("stock")}, model_changes=changes) for changes in ({}, STREAM))
    assert one.output == other.output == {"text": "there are 6 of teapot"}
    assert one.boundary.used == other.boundary.used
    assert (other.boundary.used.input_tokens, other.boundary.used.output_tokens) == (1600, 50)
    assert [body["stream"] for body in other.bodies] == [True, True]
    assert "stream" not in one.bodies[0] or one.bodies[0]["stream"] is False


def test_a_slow_stream_is_waited_for() -> None:
    """Piece by piece, and recorded as one response."""
    ran = run(f"replies: [{{text: {LONG!r}, drip: 0.01}}]", output="str", model_changes=STREAM)
    assert ran.output == LONG
    assert ran.boundary.count("model") == 1


@pytest.mark.parametrize("broken", ["reset", "garbage", "truncated", "unfinished"])
@pytest.mark.parametrize("changes", [{}, STREAM], ids=["whole", "streamed"])
def test_an_answer_that_breaks_off_is_a_failed_attempt_and_never_a_result(broken: str, changes: dict[str, Any]) -> None:
    """Class network: asked again, five times in all; what came of it is recorded nowhere.

    Broken variant: a stream whose connection ends early passes for an answer (pydantic-ai's default for OpenAI's protocol).
    """
    script = f"replies:\n  - {{fail: {{broken: {broken}}}, times: 4}}\n  - {{text: whole}}\n"
    ran = run(script, output="str", model_changes=changes)
    assert (ran.output, ran.requests) == ("whole", 5)
    assert "breaks off" not in str(ran.boundary.recorded.results)
    with pytest.raises(Network):
        run(script, output="str", model_changes=changes, on_failure=ONCE)


def test_a_stream_that_stops_in_the_middle_is_given_up_by_the_time_limit() -> None:
    """A server that says nothing more holds nobody up for ever."""
    from darner.runtime.failures import Exhausted  # noqa: PLC0415 - only this test needs it

    with pytest.raises(Exhausted, match=r"limits\.time"):
        run(f"replies: [{{text: {LONG!r}, drip: 5}}]", output="str", model_changes=STREAM, limits={"time": "500ms"})


def test_whether_to_stream_is_true_or_false() -> None:
    """Anything else is refused before the first request."""

    async def ready(made: Any) -> None:
        async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
            agents.refuse_unready()
            await agents.call(MemoryBoundary(), "assistant", {"city": "Paris"}, parent="reply")

    with ModelServer("replies: [{text: fine}]") as server:
        made = plan({"small": model(server, params={"stream": "yes"})}, {"assistant": agent()})
        with pytest.raises(Refused, match=r"params\.stream 'yes'"):
            asyncio.run(ready(made))
        assert server.requests == 0


@contextmanager
def _breaking(error: dict[str, Any]) -> Iterator[str]:
    """Serve streams in whose middle the provider says that it can't go on."""
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    said = {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "half of"}, "finish_reason": None}]}
    body = b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in (said, said, {"error": error}))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_what_a_provider_says_in_the_middle_of_a_stream_is_heard_as_at_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota that is gone has the fallback asked; a limit is told to all that share it."""
    monkeypatch.setenv("DARNER_LIMITS", str(tmp_path))
    models = {"small": ModelPlan.model_validate({"use": "openai:small", "fallback": "large", **STREAM})}
    for error in ({"message": "no", "code": "insufficient_quota"}, {"message": "later", "code": "rate_limit_exceeded"}):
        with _breaking(error) as url, ModelServer("replies: [{answer: {text: fine}}]") as large:
            places = {"small": models["small"].model_copy(update={"base_url": url}), "large": model(large)}
            made = plan(places, {"assistant": agent(on_failure={"throttled": {"attempts": 1}})})
            assert asyncio.run(_ask(made)) == {"text": "fine"}
    refused = [one.limits.refused for one in shared() if one.about.use == "openai:small"]
    assert sum(refused) == 1


async def _ask(made: Any) -> Any:
    async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
        return await agents.call(MemoryBoundary(), "assistant", {"city": "Paris"}, parent="reply")
