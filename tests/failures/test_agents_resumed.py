"""An agent that failed is tried again at what failed, by a plain resume: good turns are served, refused answers are asked anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.events import CallFailed, CallFinished
from darner.runtime.fork import Point, prefix
from darner.runtime.state import fold_for_views
from darner.testing import MemoryLog, ModelServer

from ..agents.world import agent
from .agents_flow import ask, made, run
from .calls import page, picky

TURNS = """
replies:
  - {{when: {{turn: 1}}, call: {{page: {{number: 1}}}}}}
  - {{when: {{turn: 2}}, call: {{page: {{number: 2}}}}}}
  - {{{last}}}
"""
GOOD = TURNS.format(last="answer: {text: fine}")


def _plan(**changes: Any) -> Plan:
    tools = {
        "page": ToolPlan.model_validate({"use": f"{page.__module__}:page", "effects": "read"}),
        "picky": ToolPlan.model_validate({"use": f"{picky.__module__}:picky", "effects": "read", "with": {"log": "$params.log"}}),
    }
    return made({"assistant": agent(tools=("page", "picky"), **changes)}, tools=tools)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ("answer: {nonsense: 1}", "failed: semantic"),
        ("""raw: '{"text": "never clo'""", "failed: semantic"),
        ("refuse: I will not", "failed: semantic"),
        ("call: {nothing: {}}", "failed: semantic"),
        ("call: {page: {pages: 3}}", "failed: semantic"),
        ("call: {page: {number: 2}}", "failed: exhausted"),
        ("fail: {broken: garbage}", "failed: network"),
        ("fail: {status: 401}", "failed: error"),
    ],
)
def test_a_plain_resume_asks_anew_what_was_refused_and_nothing_else(tmp_path: Path, wrong: str, status: str) -> None:
    """Two good turns, then garbage until it is given up; the model is mended: one request more, and it is done."""
    journal = MemoryLog()
    with ModelServer(TURNS.format(last=wrong)) as server:
        assert run(_plan(), server, tmp_path, journal).status == status
        asked = server.requests
    with ModelServer(GOOD) as server:
        told = run(_plan(), server, tmp_path, MemoryLog(journal.events))
        assert (told.status, told.outputs) == ("done", {"ask": {"text": "fine"}})
        assert server.requests == 1
        assert server.bodies[0]["messages"][-1]["role"] == "tool"
        assert "page 2, line 0" in server.bodies[0]["messages"][-1]["content"]
    assert told.asked("tool").count("page") == 2
    assert told.state.requests == 1 + sum(isinstance(one, CallFinished) and one.what == "model" for one in journal.events)
    assert asked >= 3


def test_it_may_fail_again_and_be_resumed_again(tmp_path: Path) -> None:
    """Each resume has its three attempts; what was paid adds up; the good turns are paid once."""
    journal = MemoryLog()
    for life in range(3):
        with ModelServer(TURNS.format(last="answer: {nonsense: 1}")) as server:
            told = run(_plan(), server, tmp_path, journal)
            assert (told.status, told.state.requests) == ("failed: semantic", 5 + 3 * life)
            assert server.requests == (3 if life else 5)


def test_a_tool_that_refused_is_called_again(tmp_path: Path) -> None:
    """What it said to the same question isn't served: it was mended, and takes it now."""
    journal = MemoryLog()
    refusing = TURNS.format(last="call: {picky: {item: pot}}")
    script = refusing.replace("replies:\n", "replies:\n  - {when: {result: picky, text: '.'}, answer: {text: '{result}'}}\n")
    (tmp_path / "log").write_text("mug\n", encoding="utf-8")
    with ModelServer(refusing) as server:
        assert run(_plan(), server, tmp_path, journal).status == "failed: semantic"
    (tmp_path / "log").write_text("mug\npot\n", encoding="utf-8")
    with ModelServer(script) as server:
        told = run(_plan(), server, tmp_path, MemoryLog(journal.events))
        assert (told.status, server.requests) == ("done", 2)
    assert told.outputs == {"ask": {"text": "a pot"}}


def test_what_succeeded_is_replayed_word_by_word_whatever_was_fed_back_on_the_way(tmp_path: Path) -> None:
    """Killed after any commit, nothing failed for good: no refused answer is asked anew, and each is paid once."""
    script = "replies: [{answer: {nonsense: 1}, times: 2}, {when: {turn: 3}, call: {page: {number: 1}}}, {answer: {text: fine}}]"
    whole = MemoryLog()
    with ModelServer(script) as server:
        told = run(_plan(), server, tmp_path, whole)
        bodies = list(server.bodies)
    assert (told.status, len(bodies)) == ("done", 4)
    for commit in whole.commits:
        begun = MemoryLog(whole.events[:commit])
        known = sum(isinstance(one, CallFinished) and one.what == "model" for one in begun.events)
        rest: list[dict[str, Any]] = [
            {"answer": {"nonsense": 1}},
            {"answer": {"nonsense": 1}},
            {"call": {"page": {"number": 1}}},
            {"answer": {"text": "fine"}},
        ]
        with ModelServer(f"replies: {[{**one, 'times': 1} for one in rest[known:]] or [{'text': 'never'}]}") as server:
            again = run(_plan(), server, tmp_path, begun)
            assert again.outputs == told.outputs
            assert server.bodies == bodies[known:]


def test_a_step_beside_the_failed_one_is_left_as_it_was(tmp_path: Path) -> None:
    """Two steps ask the same agent; one got garbage: only its turns are made anew."""
    steps = {"one": ask("Rome"), "two": ask("Oslo")}
    script = "replies: [{when: {text: Oslo}, answer: {nonsense: 1}}, {answer: {text: fine}}]"
    journal = MemoryLog()
    with ModelServer(script) as server:
        assert run(made(steps=steps), server, tmp_path, journal).status == "failed: semantic"
        assert server.requests == 4
    with ModelServer("replies: [{answer: {text: fine}}]") as server:
        told = run(made(steps=steps), server, tmp_path, MemoryLog(journal.events))
        assert (told.status, server.requests) == ("done", 1)


def test_a_journal_without_these_words_is_gone_on_with_as_before(tmp_path: Path) -> None:
    """What an older darner wrote of a failed agent names no answers: they are served, and refused again, as they were."""
    journal = MemoryLog()
    with ModelServer(TURNS.format(last="answer: {nonsense: 1}")) as server:
        run(_plan(), server, tmp_path, journal)
    old = [one.model_copy(update={"calls": None}) if isinstance(one, CallFailed) else one for one in journal.events]
    with ModelServer(GOOD) as server:
        told = run(_plan(), server, tmp_path, MemoryLog(old))
        assert (told.status, server.requests) == ("failed: semantic", 0)


def test_a_fork_asks_anew_what_was_refused_too(tmp_path: Path) -> None:
    """Beside the point where it is forked a step had failed for garbage: its good turns are copied, its refused answers aren't."""
    plan = _plan().model_copy(update={"steps": {"ask": ask(), "other": ask("Oslo")}, "outputs": {"ask": "$ask", "other": "$other"}})
    script = "replies:\n  - {{when: {{text: Oslo}}, answer: {{text: dry}}}}\n" + TURNS.partition("replies:\n")[2]
    journal = MemoryLog()
    with ModelServer(script.format(last="answer: {nonsense: 1}")) as server:
        run(plan, server, tmp_path, journal)
        assert server.requests == 6
    copied = prefix(journal.events, fold_for_views(journal.events), Point(plan, "other"))
    forked = MemoryLog([journal.events[0].model_copy(update={"forked": "r at other"}), *copied])
    with ModelServer(script.format(last="answer: {text: fine}")) as server:
        told = run(plan, server, tmp_path, forked)
        assert (told.status, server.requests) == ("done", 2)
