"""Conversations that are too long for their model's window: made shorter once, as steps on record, and given up after that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.events import CallFailed, CallFinished
from darner.runtime.perform.agents.compaction import Compacted, cut, window_in
from darner.testing import MemoryLog, ModelServer

from ..agents.world import agent
from .agents_flow import made, run
from .calls import page

WINDOW = 500
LOOKING = """
window: {window}
replies:
  - {{when: {{text: '^Below is what was said'}}, text: 'It is about Paris. Pages 1 to 4 say: mild.'}}
  - {{when: {{turn: 7}}, answer: {{text: 'mild, all in all'}}}}
  - {{when: {{text: 'What was said and done before', turn: 2}}, call: {{page: {{number: 6}}}}}}
  - {{when: {{text: 'What was said and done before', turn: 3}}, answer: {{text: 'mild, they say'}}}}
{calls}
"""


def _script(window: int = WINDOW) -> str:
    calls = "\n".join(f"  - {{when: {{turn: {n}}}, call: {{page: {{number: {n}}}}}}}" for n in range(1, 7))
    return LOOKING.format(window=window, calls=calls)


def _reading(models: dict[str, Any] | None = None, **changes: Any) -> Plan:
    tools = {"page": ToolPlan.model_validate({"use": f"{page.__module__}:page", "effects": "read"})}
    return made({"assistant": agent(tools=("page",), **changes)}, models, tools)


def test_a_conversation_that_outgrows_the_window_is_summarised_and_goes_on(tmp_path: Path) -> None:
    """The provider refuses the sixth request; its model is asked for a summary, and goes on with it, its prompt and the newest."""
    with ModelServer(_script()) as server:
        told = run(_reading(), server, tmp_path)
        refused, asked, went_on = server.bodies[-4:-1]
        assert told.outputs == {"ask": {"text": "mild, they say"}}
    assert "Summarise it for yourself" in asked["messages"][0]["content"]
    assert "page gave" in asked["messages"][0]["content"]
    assert len(str(went_on["messages"])) < len(str(refused["messages"])) / 2
    assert went_on["messages"][0]["content"] == "What is the weather in Paris?"
    assert "Pages 1 to 4 say: mild" in went_on["messages"][1]["content"]
    assert went_on["messages"][-1]["role"] == "tool"
    assert (told.status, told.failures) == ("done", {"context": 1})


def test_a_resume_is_served_the_summary_and_what_followed(tmp_path: Path) -> None:
    """Killed after any commit: each answer is paid once, the summary too; what the provider refused isn't asked again."""
    journal = MemoryLog()
    with ModelServer(_script()) as server:
        whole = run(_reading(), server, tmp_path, journal)
        requests = server.requests
    for commit in journal.commits[1:-1]:
        begun = MemoryLog(journal.events[:commit])
        known = [one for one in begun.events if isinstance(one, CallFinished) and one.what == "model"]
        refused = [one for one in begun.events if isinstance(one, CallFailed) and one.failure == "context"]
        with ModelServer(_script()) as server:
            again = run(_reading(), server, tmp_path, begun)
            assert again.outputs == whole.outputs
            assert server.requests == requests - len(known) - len(refused)


def test_a_model_s_own_window_is_kept_before_the_provider_says_so(tmp_path: Path) -> None:
    """`params.window`: servers that cut conversations off in silence never get one that is too long."""
    with ModelServer(_script(window=100_000)) as server:
        told = run(_reading({"small": {"params": {"window": 400}}}), server, tmp_path)
        assert "window" not in server.bodies[0]
        assert any("Summarise it" in str(body["messages"][0]) for body in server.bodies)
    assert (told.status, told.failures) == ("done", {"context": 1})


@pytest.mark.parametrize(("context", "status", "summaries"), [({}, "failed: exhausted", 1), ({"rewind": False}, "failed: context", 0)])
def test_what_doesn_t_fit_though_it_was_made_shorter_is_given_up(tmp_path: Path, context: Any, status: str, summaries: int) -> None:
    """Once only: a summary that fills the window itself ends in exhausted. `rewind: false` doesn't even try."""
    script = _script().replace("It is about Paris. Pages 1 to 4 say: mild.", "blah " * 700)
    with ModelServer(script) as server:
        told = run(_reading(on_failure={"context": context}), server, tmp_path)
        assert sum("Summarise it" in str(body["messages"][0]) for body in server.bodies) == summaries
    assert told.status == status
    assert str(WINDOW) in told.reason


def test_a_prompt_that_alone_is_too_long_can_t_be_made_shorter(tmp_path: Path) -> None:
    """Nothing is asked for a summary; the class is context, and the reason names the window."""
    with ModelServer(_script(window=3)) as server:
        told = run(_reading(), server, tmp_path)
        assert server.requests == 1
    assert told.status == "failed: context"
    assert "maximum context length is 3 tokens" in told.reason


def test_one_result_that_fills_the_window_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    """Nothing is old yet: no summary is needed, the result is cut, and the model is told how much of it is missing."""
    script = """
    window: 600
    replies:
      - {when: {turn: 1}, call: {page: {number: 1, lines: 400}}}
      - {when: {turn: 2}, answer: {text: fine}}
    """
    with ModelServer(script) as server:
        told = run(_reading(), server, tmp_path)
        assert server.requests == 3
        [result] = [one["content"] for one in server.bodies[-1]["messages"] if one["role"] == "tool"]
    assert told.status == "done"
    assert "letters left out" in result
    assert result.startswith("page 1, line 0")
    assert result.endswith("line 399")


def test_what_can_t_even_be_summarised_is_left_out(tmp_path: Path) -> None:
    """The window is too small for the question: what is old is dropped, and the model is told so."""
    script = """
    window: 105
    replies:
      - {when: {turn: 1}, call: {page: {number: 1, lines: 1}}}
      - {when: {text: 'was left out'}, answer: {text: fine}}
      - {when: {turn: 2}, call: {page: {number: 2, lines: 1}}}
    """
    with ModelServer(script) as server:
        told = run(_reading(), server, tmp_path)
        refused = [body["messages"] for body in server.bodies[2:4]]
        assert "Summarise it" in str(refused[1])
        assert "page 1" not in str(server.bodies[-1]["messages"])
        assert "page 2, line 0" in str(server.bodies[-1]["messages"])
    assert (told.status, told.failures) == ("done", {"context": 2})


def test_windows_are_read_from_what_providers_say() -> None:
    """OpenAI, Anthropic, Google, llama.cpp, vLLM, and darner itself."""
    said = {
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 12000 tokens.": 8192,
        "prompt is too long: 210000 tokens > 200000 maximum": 200_000,
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1,048,576).": 1_048_576,
        "the request exceeds the available context size (4096 tokens)": 4096,
        "at least 900 tokens are no conversation for a context window of 512": 512,
        "the messages are too long": None,
        "the request exceeds the available context size, try increasing it": None,
        "the context window, which is full, isn't larger": None,
    }
    assert {words: window_in(words) for words in said} == said


def _conversation(turns: int, size: int = 30) -> list[ModelMessage]:
    messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart("go")])]
    for n in range(turns):
        messages += [
            ModelResponse(parts=[ToolCallPart("look", {"n": n}, tool_call_id=f"c{n}")]),
            ModelRequest(parts=[ToolReturnPart("look", "x" * size, tool_call_id=f"c{n}")]),
        ]
    return messages


@pytest.mark.parametrize("turns", [1, 2, 5, 30])
@pytest.mark.parametrize("tokens", [40, 200, 2000])
def test_a_cut_conversation_is_still_one(turns: int, tokens: int) -> None:
    """It begins with the prompt; after it comes an answer; each result stands right after its call."""
    whole = _conversation(turns)
    found = cut(whole, "go", tokens)
    if found is None:
        assert turns == 1
        return
    short = found.shortened("so far")
    first = short[0].parts[0]
    assert isinstance(first, UserPromptPart)
    assert first.content == "go"
    calls = [part.tool_call_id for one in short for part in one.parts if isinstance(part, ToolCallPart)]
    assert calls == [part.tool_call_id for one in short for part in one.parts if isinstance(part, ToolReturnPart)]
    assert calls[-1] == f"c{turns - 1}"


def test_a_conversation_made_shorter_grows_on_from_there() -> None:
    """Whatever is put together of its beginning meanwhile: it is found by the answers in it."""
    found = cut(_conversation(5), "go", 40)
    assert found is not None
    kept = Compacted(found.answered, tuple(found.shortened("so far")))
    longer = [ModelRequest(parts=[]), *_conversation(7)]
    assert kept.over(longer)[len(kept.messages) :] == longer[-4:]
    assert kept.over(_conversation(5)) == list(kept.messages)
    ended = [*_conversation(5), ModelResponse(parts=[TextPart("done")])]
    assert kept.over(ended)[-1] == ended[-1]
