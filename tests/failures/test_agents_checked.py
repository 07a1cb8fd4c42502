"""A check that was mended accepts what it had refused: a plain resume looks at the answers that are there before it asks for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.events import CallFinished
from darner.runtime.known import CallState, Payload
from darner.runtime.perform.earlier import former_answers
from darner.testing import MemoryLog, ModelServer

from ..agents.world import agent
from .agents_flow import Told, ask, made, run
from .calls import counted

NEVER = "replies: [{text: never}]"
USAGE = "usage: {input: 100, output: 10}"
SCRIPT = f"""
replies:
  - {{when: {{turn: 1}}, call: {{counted: {{}}}}, {USAGE}}}
  - {{answer: {{text: one}}, times: 1, {USAGE}}}
  - {{answer: {{text: two}}, times: 1, {USAGE}}}
  - {{answer: {{text: three}}, {USAGE}}}
"""


def _plan(rules: Path, params: dict[str, Any] | None = None, **changes: Any) -> Plan:
    tools = {
        "counted": ToolPlan.model_validate({"use": f"{counted.__module__}:counted", "effects": "read", "with": {"log": "$params.log"}})
    }
    checked = agent(tools=("counted",), **{"check": f"{counted.__module__}:is_listed", **changes})
    return made({"assistant": checked}, {"small": {"params": params or {}}}, tools, {"ask": ask(str(rules))})


def _refused(folder: Path, journal: MemoryLog, params: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Run until the check has refused three answers, and return the file that holds what it accepts."""
    rules = folder / "rules"
    rules.write_text("nothing", encoding="utf-8")
    with ModelServer(SCRIPT) as server:
        assert run(_plan(rules, params, **changes), server, folder, journal).status == "failed: semantic"
        assert server.requests == 4
    return rules


def _resumed(folder: Path, rules: Path, journal: MemoryLog, script: str = NEVER, **changes: Any) -> tuple[Told, int]:
    with ModelServer(script) as server:
        return run(_plan(rules, **changes), server, folder, MemoryLog(journal.events)), server.requests


@pytest.mark.parametrize("mode", ["tool", "native", "prompted"])
def test_a_mended_check_accepts_the_answer_that_is_there(tmp_path: Path, mode: str) -> None:
    """Refused three times, then the check is mended: no request, and nothing more is paid."""
    journal = MemoryLog()
    rules = _refused(tmp_path, journal, {"output": mode})
    rules.write_text("one", encoding="utf-8")
    told, requests = _resumed(tmp_path, rules, journal, params={"output": mode})
    assert (told.status, told.outputs, requests) == ("done", {"ask": {"text": "one"}}, 0)
    assert (told.state.requests, told.state.tokens) == (4, 440)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "asked\n"


@pytest.mark.parametrize(("accepted", "answer"), [("two", "two"), ("three", "three"), ("two three", "two")])
def test_a_later_answer_counts_as_well(tmp_path: Path, accepted: str, answer: str) -> None:
    """The first was wrong, and still is: it is refused as it was, and the next one is looked at."""
    journal = MemoryLog()
    rules = _refused(tmp_path, journal)
    rules.write_text(accepted, encoding="utf-8")
    told, requests = _resumed(tmp_path, rules, journal)
    assert (told.outputs, requests) == ({"ask": {"text": answer}}, 0)


def test_a_check_that_says_something_else_by_now_accepts_a_later_answer_too(tmp_path: Path) -> None:
    """The words to which the second answer came are nobody's any more: it is given at once, and nothing is asked."""
    journal, check = MemoryLog(), f"{counted.__module__}:reason"
    rules = _refused(tmp_path, journal, check=check)
    rules.write_text("two", encoding="utf-8")
    told, requests = _resumed(tmp_path, rules, journal, check=check)
    assert (told.status, told.outputs, requests) == ("done", {"ask": {"text": "two"}}, 0)


def test_what_was_said_before_a_request_is_no_answer_to_it() -> None:
    """Refused in an earlier life, before a tool told something new: the answers to what is asked now come after it."""
    calls = [
        CallState(name, "a", "model", "small", former=Payload({"text": name}), began=began)
        for name, began in (("now", 5.0), ("long ago", 1.0), ("later", 6.0))
    ]
    assert former_answers(calls, lambda _: None) == ({"text": "now"}, {"text": "later"})


def test_a_check_that_is_as_it_was_has_the_model_asked_anew(tmp_path: Path) -> None:
    """From the last good turn, without what was wrong: one request."""
    journal = MemoryLog()
    rules = _refused(tmp_path, journal)
    rules.write_text("four", encoding="utf-8")
    told, requests = _resumed(tmp_path, rules, journal, "replies: [{answer: {text: four}}]")
    assert (told.outputs, requests) == ({"ask": {"text": "four"}}, 1)


def test_what_is_there_costs_nothing_however_little_is_left(tmp_path: Path) -> None:
    """All tokens of the agent went into answers that were refused: one of them needs no more."""
    journal = MemoryLog()
    rules = _refused(tmp_path, journal, limits={"tokens": 440})
    rules.write_text("three", encoding="utf-8")
    told, requests = _resumed(tmp_path, rules, journal, limits={"tokens": 440})
    assert (told.outputs, requests) == ({"ask": {"text": "three"}}, 0)


def test_a_resume_that_is_killed_comes_to_the_same(tmp_path: Path) -> None:
    """After any commit of the resumed life, with the check as it is by then."""
    journal = MemoryLog()
    rules = _refused(tmp_path, journal)
    rules.write_text("two", encoding="utf-8")
    whole = MemoryLog(journal.events)
    with ModelServer(NEVER) as server:
        told = run(_plan(rules), server, tmp_path, whole)
    for commit in whole.commits:
        again, requests = _resumed(tmp_path, rules, MemoryLog(whole.events[:commit]))
        assert (again.outputs, requests) == (told.outputs, 0)


def test_an_answer_is_looked_at_again_as_often_as_it_is_resumed(tmp_path: Path) -> None:
    """Asked anew in vain first; then the check is mended for what came of that."""
    journal = MemoryLog()
    rules = _refused(tmp_path, journal)
    with ModelServer("replies: [{answer: {text: five}}]") as server:
        assert run(_plan(rules), server, tmp_path, journal).status == "failed: semantic"
        assert server.requests == 3
    rules.write_text("five", encoding="utf-8")
    told, requests = _resumed(tmp_path, rules, journal)
    assert (told.outputs, requests) == ({"ask": {"text": "five"}}, 0)
    made_ = [one for one in journal.events if isinstance(one, CallFinished) and one.what == "model"]
    assert told.state.requests == len(made_) == 7


def test_an_answer_that_calls_a_tool_is_no_answer(tmp_path: Path) -> None:
    """It can't be looked at without calling the tool: it is asked for anew, and nothing is called meanwhile."""
    journal, rules = MemoryLog(), tmp_path / "rules"
    rules.write_text("four", encoding="utf-8")
    with ModelServer("replies: [{when: {turn: 1}, call: {counted: {}}}, {call: {counted: {wrong: 1}}}]") as server:
        assert run(_plan(rules), server, tmp_path, journal).status == "failed: semantic"
    told, requests = _resumed(tmp_path, rules, journal, "replies: [{answer: {text: four}}]")
    assert (told.status, requests) == ("done", 1)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "asked\n"
