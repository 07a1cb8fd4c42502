"""Conversations that go on over an agent's calls in one run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan
from darner.runtime.cli.main import run as darner
from darner.runtime.conversations import Conversations
from darner.runtime.events import CallFinished, CallStarted, Said
from darner.runtime.failures import ContextLost, Refused
from darner.runtime.perform.agents import conversation
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState, fold
from darner.testing import MemoryBoundary, ModelServer, Recorded

from .world import agent, model, plan, tool

ECHO = """
replies:
  - {when: {text: 'in Rome', turn: 1}, call: {stock: {item: mug}}}
  - {when: {result: stock}, answer: {text: '{result.count} mugs'}}
  - {when: {text: 'in (?P<city>[A-Za-z0-9]+)'}, answer: {text: 'it rains in {city}'}}
"""


async def _talk(made: Plan, boundary: MemoryBoundary, cities: Sequence[str], *, at_once: bool = False) -> list[Any]:
    async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
        calls = [agents.call(boundary, "assistant", {"city": city}, parent=f"turn-{n}") for n, city in enumerate(cities)]
        return list(await asyncio.gather(*calls)) if at_once else [await one for one in calls]


def _made(server: ModelServer, history: str = "run", **changes: Any) -> Plan:
    settings = {"history": history, "tools": ("stock",), **changes}
    return plan({"small": model(server)}, {"assistant": agent(**settings)}, {"stock": tool("stock")})


def _users(body: dict[str, Any]) -> list[str]:
    return [one["content"] for one in body["messages"] if one["role"] == "user"]


def test_with_history_run_an_agent_remembers_its_earlier_calls() -> None:
    """The second call's request holds the first's prompt, tool call, result and answer; with `history: call` it doesn't."""
    for history, before in (("run", 1), ("call", 0)):
        with ModelServer(ECHO) as server:
            asyncio.run(_talk(_made(server, history), MemoryBoundary(), ["Rome", "Oslo"]))
            last = server.bodies[-1]
        assert len(_users(last)) == before + 1
        assert ("3 mugs" in str(last["messages"])) is (before == 1)


def test_a_conversation_is_told_between_calls_only_once_and_in_order() -> None:
    """Five calls: the last request holds every prompt once, in the order in which the calls were made."""
    with ModelServer(ECHO) as server:
        asyncio.run(_talk(_made(server), MemoryBoundary(), ["A", "B", "C", "D", "E"]))
        assert _users(server.bodies[-1]) == [f"What is the weather in {city}?" for city in "ABCDE"]


@pytest.mark.parametrize("kept", range(8))
def test_a_resumed_conversation_asks_no_model_again(kept: int) -> None:
    """Whatever was recorded of three calls when the process died, the rest is asked once, in the same words."""
    cities = ["Rome", "Oslo", "Lima"]
    with ModelServer(ECHO) as server:
        whole = MemoryBoundary()
        answers = asyncio.run(_talk(_made(server), whole, cities))
        assert (server.requests, len(whole.recorded.results)) == (4, 8)
        asked = list(server.bodies)
    with ModelServer(ECHO) as server:
        begun = Recorded(dict(list(whole.recorded.results.items())[:kept]), _told(whole.recorded, kept))
        assert asyncio.run(_talk(_made(server), MemoryBoundary(begun), cities)) == answers
        done = sum(one["kind"] == "response" for one in list(whole.recorded.results.values())[:kept] if "kind" in one)
        assert server.bodies == asked[done:]


def _told(recorded: Recorded, kept: int) -> Conversations:
    """Return the conversations as they were after so many results."""
    found = Conversations()
    for call in list(recorded.results)[:kept]:
        for message in recorded.conversations._said.get(call, ()):
            found.say(message)
        found.begin("assistant", call)
        found.finish("assistant", call)
    return found


def test_calls_at_once_see_what_was_finished_when_they_began() -> None:
    """They don't wait for each other, and a later call sees them all."""
    with ModelServer(ECHO, delay=0.05) as server:
        boundary = MemoryBoundary()
        made = _made(server)
        asyncio.run(_talk(made, boundary, ["A", "B", "C"], at_once=True))
        assert [len(_users(body)) for body in server.bodies] == [1, 1, 1]
        asyncio.run(_talk(made, MemoryBoundary(boundary.recorded), ["A", "B", "C", "D"]))
        assert sorted(_users(server.bodies[-1])) == [f"What is the weather in {city}?" for city in "ABCD"]


def _begin(call: str, attempt: int = 1) -> CallStarted:
    return CallStarted(at=0, call=call, parent="p", what="agent", name="a", attempt=attempt)


def _end(call: str) -> list[Said | CallFinished]:
    return [Said(at=0, call=call, value={"said": call}), CallFinished(at=0, call=call, parent="p", what="agent", name="a", value=1)]


class LookedUpLate(Conversations):
    """A broken variant: what a call goes on with is looked up when it is asked for, and not when it first began."""

    def earlier(self, agent: str, call: str) -> list[Said]:
        """Return all that was said by now."""
        return [message for one in self._finished.get(agent, ()) if one != call for message in self._said.get(one, ())]


@pytest.mark.parametrize("kept_by", [Conversations, LookedUpLate])
def test_what_a_call_goes_on_with_is_settled_when_it_first_begins(kept_by: type[Conversations]) -> None:
    """A began, B began and was finished, the process died: A goes on with nothing, as before, though B is there now."""
    state = RunState(conversations=kept_by())
    for event in (_begin("A"), _begin("B"), *_end("B"), _begin("A", 2), _begin("C")):
        state.apply(event)
    heard = {call: [one.value for one in state.conversations.earlier("a", call)] for call in "ABC"}
    assert (heard == {"A": [], "B": [], "C": [{"said": "B"}]}) is (kept_by is Conversations)


def test_later_calls_hear_the_others_in_the_order_in_which_they_were_finished() -> None:
    """B was finished before A, though A began first."""
    state = fold([_begin("A"), _begin("B"), *_end("B"), *_end("A"), _begin("C")])
    assert [one.value for one in state.conversations.earlier("a", "C")] == [{"said": "B"}, {"said": "A"}]


def test_a_call_that_is_done_anew_is_forgotten_and_the_others_keep_what_they_heard() -> None:
    """A was finished before B began and C after; A is forgotten and done again: B and C don't hear it twice."""
    conversations = fold([_begin("A"), *_end("A"), _begin("B"), *_end("B"), _begin("C")]).conversations
    conversations.forget("a", "A")
    assert [one.value for one in conversations.earlier("a", "C")] == [{"said": "B"}]
    conversations.begin("a", "A")
    assert [one.value for one in conversations.earlier("a", "A")] == [{"said": "B"}]
    conversations.say(Said(at=0, call="A", value={"said": "A again"}))
    conversations.finish("a", "A")
    assert [one.value for one in conversations.earlier("a", "C")] == [{"said": "B"}]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([{"kind": "request"}], "parts"),
        ([{"kind": "nonsense", "parts": []}], "damaged"),
        ([{"kind": "response", "parts": [{"part_kind": "text", "content": "hi"}]}], "begins with an answer"),
        (
            [
                {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "hi"}]},
                {"kind": "response", "parts": [{"part_kind": "tool-call", "tool_name": "t", "args": {}, "tool_call_id": "c1"}]},
            ],
            "the result of the tool call c1 is missing",
        ),
    ],
)
def test_a_history_that_is_none_is_context_lost(wrong: list[Any], words: str) -> None:
    """It is never sent to a provider, who would answer with an error of its own."""
    with pytest.raises(ContextLost, match=words):
        conversation.read("assistant", wrong)


def test_a_limit_of_turns_counts_each_call_by_itself() -> None:
    """The first request of a call that goes on with a conversation is a turn, though nothing but a prompt is new in it."""
    with ModelServer(ECHO) as server:
        made = _made(server, limits={"turns": 1})
        assert len(asyncio.run(_talk(made, MemoryBoundary(), ["A", "B"]))) == 2


def test_in_a_job_there_is_no_run_that_a_conversation_could_go_on_in() -> None:
    """Refused before anything is started."""
    with ModelServer(ECHO) as server:
        made = _made(server)
        job = made.model_copy(update={"job": {"source": "rows", "sink": {"to": "rows"}}})
        with pytest.raises(Refused, match="history: run, and the rows of a job"):
            Agents(job, prompts={}, secrets=EnvironmentSecrets({})).refuse_unready()


SPEC = """darner: 1
name: talk
models:
  small: {use: "openai:scripted", base_url: URL}
agents:
  guide: {model: small, prompt: "What about {{ input }}?", input: str, output: str, history: run, limits: {turns: 3}}
flow:
  inputs: str
  steps:
    first: {use: guide, with: {input: $inputs}}
    second: {use: guide, with: {input: $first}}
  outputs: $second
"""


def test_a_spec_with_a_conversation_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Through the `darner` command; a resume of a run that is done asks nothing."""
    replies = "replies: [{when: {turn: 1}, text: rain}, {when: {turn: 2}, text: 'and then sun'}]"
    (tmp_path / "in.json").write_text('"Paris"', encoding="utf-8")
    with ModelServer(replies) as server:
        (tmp_path / "spec.yaml").write_text(SPEC.replace("URL", json.dumps(server.base_url)), encoding="utf-8")
        words = ["run", str(tmp_path / "spec.yaml"), "--inputs", str(tmp_path / "in.json"), "--run", "r"]
        for _ in range(2):
            assert darner([*words, "--store", str(tmp_path / "store"), "--json"]) == 0
            assert json.loads(capsys.readouterr().out)["outputs"] == "and then sun"
            words = ["resume", "r"]
        assert [_users(body) for body in server.bodies] == [["What about Paris?"], ["What about Paris?", "What about rain?"]]
