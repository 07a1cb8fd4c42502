"""A person's hint is a new message behind the last good turn: what was paid is served, and the model knows more than before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from darner.compiler.plan import HumanPlan, Plan, ToolPlan
from darner.runtime.events import CallFinished, QuestionClosed
from darner.runtime.known import Payload
from darner.runtime.ports import Json
from darner.runtime.state import fold
from darner.testing import MemoryLog, ModelServer

from ..agents.world import agent
from .agents_flow import Told, ask, made, run
from .calls import counted, page

GARBAGE = "answer: {nonsense: 1}, times: 3"
TURNS = """
replies:
  - {{when: {{turn: 1}}, call: [{{page: {{number: 1}}}}, {{counted: {{}}}}]}}
  - {{when: {{turn: 2}}, call: {{page: {{number: 2}}}}}}
{rest}
"""
LOOK = {"verdict": "retry", "hint": "look at page 3"}


def _plan(**changes: Any) -> Plan:
    tools = {
        "page": ToolPlan.model_validate({"use": f"{page.__module__}:page", "effects": "read"}),
        "counted": ToolPlan.model_validate({"use": f"{counted.__module__}:counted", "effects": "read", "with": {"log": "$params.log"}}),
    }
    models = changes.pop("models", None)
    asks = {"exhausted": {"ask": "boss"}}
    steps = {"ask": ask(on_failure=asks)}
    made_ = {"assistant": agent(tools=("page", "counted"), **changes)}
    return made(made_, models, tools, steps, {"boss": HumanPlan(ask="{{ message }}")})


def _run(script: str, folder: Path, *says: Json, journal: MemoryLog | None = None, **changes: Any) -> tuple[Told, list[dict[str, Any]]]:
    with ModelServer(script) as server:
        told = run(_plan(**changes), server, folder, journal, says=says)
        return told, server.bodies


def _words(body: dict[str, Any]) -> list[str]:
    """Return who said what, without what the tools gave."""
    return [one["role"] if one["role"] != "user" else str(one["content"]) for one in body["messages"]]


def _told(hint: str) -> str:
    return f"Somebody who has looked at what went wrong says: {hint}"


def test_a_hint_is_said_behind_the_last_good_turn_and_costs_one_request(tmp_path: Path) -> None:
    """Two good turns, three answers that are refused, a hint: one request more, of the same conversation and the hint."""
    rest = f"  - {{{GARBAGE}}}\n  - {{when: {{text: look at page 3}}, answer: {{text: seen}}}}"
    told, bodies = _run(TURNS.format(rest=rest), tmp_path, LOOK)
    assert (told.status, told.outputs) == ("done", {"ask": {"text": "seen"}})
    assert len(bodies) == 6
    assert _words(bodies[2]) == ["What is the weather in Paris?", "assistant", "tool", "tool", "assistant", "tool"]
    assert _words(bodies[5]) == [*_words(bodies[2]), _told("look at page 3")]
    assert bodies[5]["messages"][: len(bodies[2]["messages"])] == bodies[2]["messages"]
    assert (tmp_path / "log").read_text() == "asked\n", "tools aren't called again either"


def test_a_second_hint_is_said_behind_what_came_of_the_first(tmp_path: Path) -> None:
    """The first one brings it a turn further; each stays where it was said, and nothing before it is asked again."""
    rest = f"""  - {{{GARBAGE}}}
  - {{when: {{turn: 3}}, call: {{page: {{number: 3}}}}}}
  - {{{GARBAGE}}}
  - {{answer: {{text: seen}}}}"""
    told, bodies = _run(TURNS.format(rest=rest), tmp_path, LOOK, {"verdict": "retry", "hint": "and at page 4"})
    assert (told.status, len(bodies)) == ("done", 2 + 3 + 1 + 3 + 1)
    *before, assistant, tool, last = _words(bodies[-1])
    assert (before, assistant, tool) == (_words(bodies[5]), "assistant", "tool")
    assert (before[-1], last) == (_told("look at page 3"), _told("and at page 4"))


def test_two_hints_that_bring_nothing_stand_one_behind_the_other(tmp_path: Path) -> None:
    """Without a turn between them."""
    rest = "  - {when: {text: page 4}, answer: {text: seen}}\n  - {answer: {nonsense: 1}}"
    told, bodies = _run(TURNS.format(rest=rest), tmp_path, LOOK, {"verdict": "retry", "hint": "page 4, then"})
    assert (told.status, len(bodies)) == ("done", 2 + 3 + 3 + 1)
    assert _words(bodies[-1])[-2:] == [_told("look at page 3"), _told("page 4, then")]


def test_a_retry_without_a_hint_asks_the_same_once_more(tmp_path: Path) -> None:
    """Word by word."""
    rest = f"  - {{{GARBAGE}}}\n  - {{answer: {{text: seen}}}}"
    told, bodies = _run(TURNS.format(rest=rest), tmp_path, {"verdict": "retry"})
    assert (told.status, len(bodies), bodies[-1]["messages"]) == ("done", 6, bodies[2]["messages"])


def test_a_hint_after_a_limit_is_said_where_it_had_to_stop(tmp_path: Path) -> None:
    """All its turns were good: they are served, also when the hint alone doesn't help; it is the first thing that is new."""
    rest = "  - {answer: {text: seen}}"
    more = {"verdict": "raise", "limits": {"turns": 3}}
    told, bodies = _run(TURNS.format(rest=rest), tmp_path, LOOK, more, limits={"turns": 2})
    assert (told.status, len(bodies)) == ("done", 3)
    assert _words(bodies[-1])[-1] == _told("look at page 3")


def test_killed_anywhere_after_a_hint_nothing_is_paid_twice(tmp_path: Path) -> None:
    """Where a hint stands is in no record, and each resume finds the same place."""
    rest = f"""  - {{{GARBAGE}}}
  - {{when: {{turn: 3}}, call: {{page: {{number: 3}}}}}}
  - {{when: {{turn: 4}}, call: {{page: {{number: 4}}}}}}
  - {{answer: {{text: seen}}}}"""
    whole = MemoryLog()
    told, bodies = _run(TURNS.format(rest=rest), tmp_path, LOOK, journal=whole)
    assert (told.status, len(bodies)) == ("done", 8)
    first = next(number for number, one in enumerate(whole.events) if isinstance(one, QuestionClosed))
    rest = """  - {when: {turn: 3}, call: {page: {number: 3}}}
  - {when: {turn: 4}, call: {page: {number: 4}}}
  - {answer: {text: seen}}"""
    for commit in (one for one in whole.commits if one > first):
        begun = MemoryLog(whole.events[:commit])
        known = sum(isinstance(one, CallFinished) and one.what == "model" for one in begun.events)
        again, asked = _run(TURNS.format(rest=rest), tmp_path, journal=begun)
        assert (again.outputs, [one["messages"] for one in asked]) == (told.outputs, [one["messages"] for one in bodies[known:]])


@pytest.mark.parametrize("script", ["quota: 0\nreplies: [{text: never}]", "replies: [{fail: {status: 500}}]"], ids=["quota", "network"])
def test_a_hint_is_said_to_whichever_model_is_asked(tmp_path: Path, script: str) -> None:
    """The fallback had the good turns, and the answers that were refused: it goes on with the hint."""
    rest = f"  - {{{GARBAGE}}}\n  - {{answer: {{text: seen}}}}"
    plan = _plan(models={"small": {"fallback": "large"}, "large": {}})
    with ModelServer(script) as small, ModelServer(TURNS.format(rest=rest)) as large:
        told = run(plan, {"small": small, "large": large}, tmp_path, says=[LOOK])
        assert (told.status, large.requests) == ("done", 6)
        assert _words(large.bodies[-1])[-1] == _told("look at page 3")


def test_a_hint_for_a_conversation_that_was_made_shorter_is_said_at_its_end(tmp_path: Path) -> None:
    """The summary is served, and the hint stands behind the newest exchange that was kept."""
    script = f"""
window: 600
replies:
  - {{when: {{text: Summarise it}}, text: "page 1 says nothing"}}
  - {{when: {{text: look at page 3}}, answer: {{text: seen}}}}
  - {{when: {{result: page, text: made shorter}}, {GARBAGE}}}
  - {{when: {{turn: 1}}, call: {{page: {{number: 1, lines: 90}}}}}}
  - {{when: {{turn: 2}}, call: {{page: {{number: 2, lines: 90}}}}}}
  - {{{GARBAGE}}}
"""
    told, bodies = _run(script, tmp_path, LOOK)
    assert (told.status, told.outputs) == ("done", {"ask": {"text": "seen"}})
    summaries = [body for body in bodies if "Summarise it" in str(body["messages"])]
    assert len(summaries) == 1
    assert _words(bodies[-1])[-1] == _told("look at page 3")


class Report(BaseModel):
    """What an agent gives."""

    text: str
    pages: int = 1


def test_a_value_of_a_person_s_is_made_whole_as_an_answer_of_the_agent_s_is(tmp_path: Path) -> None:
    """What it leaves out is what the type says: a later step may name it, also after a resume."""
    failing = agent(output=f"{__name__}:Report", on_failure={"error": {"ask": "boss"}})
    boss = HumanPlan.model_validate({"ask": "What now?"})
    plan = made({"assistant": failing}, humans={"boss": boss}).model_copy(update={"outputs": "$ask.pages"})
    journal = MemoryLog()
    with ModelServer("replies: [{fail: {status: 401}}]") as server:
        told = run(plan, server, tmp_path, journal, says=[{"verdict": "value", "value": {"text": "read"}}])
    assert (told.status, told.outputs) == ("done", 1)
    assert fold(journal.events).steps["ask"].payload == Payload({"text": "read", "pages": 1})
