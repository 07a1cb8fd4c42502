"""What a model gets wrong goes back to it with the reason; a model that gets nowhere is given up, and says on what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import ToolPlan
from darner.runtime.perform.agents.progress import Progress
from darner.testing import ModelServer

from ..agents.world import HERE, agent, tool
from .agents_flow import made, run
from .calls import counted

USAGE = "usage: {input: 100, output: 10}"
NO_JSON = f"""raw: '{{"text": "never clo', {USAGE}"""


@pytest.mark.parametrize("mode", ["tool", "native", "prompted"])
def test_a_model_that_answers_invalid_json_twice_is_told_why_and_then_heard(tmp_path: Path, mode: str) -> None:
    """Three requests in one turn, each paid for; the third answer counts; nothing is a failed attempt of the network."""
    with ModelServer(f"replies: [{{{NO_JSON}, times: 2}}, {{answer: {{text: fine}}, {USAGE}}}]") as server:
        told = run(made({"assistant": agent(limits={"turns": 1})}, {"small": {"params": {"output": mode}}}), server, tmp_path)
        assert server.requests == 3
        assert "nvalid JSON" in str(server.bodies[1]["messages"][1:])
    assert (told.status, told.outputs, told.failures) == ("done", {"ask": {"text": "fine"}}, {})
    assert told.state.tokens == 330


def test_a_server_whose_answers_are_no_json_is_the_network_s_matter(tmp_path: Path) -> None:
    """Half an HTTP body says nothing about the question: asked again without a word to the model."""
    with ModelServer("replies: [{fail: {broken: garbage}, times: 2}, {answer: {text: fine}}]") as server:
        told = run(made(), server, tmp_path)
        assert [len(body["messages"]) for body in server.bodies] == [1, 1, 1]
    assert (told.status, told.failures) == ("done", {"network": 2})


def test_two_mistakes_that_take_turns_are_three_attempts_and_no_more(tmp_path: Path) -> None:
    """A tool that isn't there, then an answer that doesn't fit, for ever: each is forgiven by its own count, all of them together not."""
    wrong = "\n".join(f"  - {{when: {{turn: {n}}}, {'call: {nothing: {}}' if n % 2 else 'answer: {nonsense: 1}'}}}" for n in range(1, 30))
    with ModelServer(f"replies:\n{wrong}\n") as server:
        told = run(made({"assistant": agent(tools=("stock",))}, tools={"stock": tool("stock")}), server, tmp_path)
        assert server.requests == 3
    assert told.status == "failed: semantic"
    assert "in 3 attempts" in told.reason


@pytest.mark.parametrize(("feedback", "requests"), [({}, 3), ({"attempts": 5}, 5), ({"feedback": False}, 1), ({"attempts": 1}, 1)])
def test_a_reaction_says_how_often_a_model_is_told(tmp_path: Path, feedback: dict[str, Any], requests: int) -> None:
    """`feedback: false` tells it nothing: the same question would be answered in the same way, so it isn't asked again."""
    with ModelServer("replies: [{answer: {nonsense: 1}}]") as server:
        told = run(made({"assistant": agent(on_failure={"semantic": feedback})}), server, tmp_path)
        assert server.requests == requests
    assert told.status == "failed: semantic"


def _calls(*names: str) -> str:
    """Return a script that calls these for ever, one a turn."""
    turns = (f"  - {{when: {{turn: {n}}}, call: {{{names[(n - 1) % len(names)]}}}}}" for n in range(1, 40))
    return "replies:\n" + "\n".join(turns) + "\n"


def test_two_calls_that_take_turns_bring_nothing_new_either(tmp_path: Path) -> None:
    """A, B, A, B: the second turn in a row without anything new is told to the model, the fourth ends it, with what was repeated."""
    with ModelServer(_calls("stock: {item: mug}", "thread_of: {item: pot}")) as server:
        told = run(made({"assistant": agent(tools=("stock", "thread_of"))}, tools=_same()), server, tmp_path)
        assert server.requests == 6
        assert "no progress" not in str(server.bodies[3]["messages"])
        assert "no progress" in str(server.bodies[4]["messages"])
    assert told.status == "failed: exhausted"
    assert 'thread_of({"item": "pot"}) was asked for in 3 turns' in told.reason


def _same() -> dict[str, ToolPlan]:
    return {"stock": tool("stock"), "thread_of": ToolPlan.model_validate({"use": f"{HERE}:stock", "effects": "read"})}


def test_what_gives_something_else_is_progress(tmp_path: Path) -> None:
    """Somebody who waits asks the same again and again: the answer is another one each time, and nobody is told anything."""
    (tmp_path / "log").write_text("")
    plan = made(
        {"assistant": agent(tools=("counted",))},
        tools={
            "counted": ToolPlan.model_validate({"use": f"{counted.__module__}:counted", "effects": "read", "with": {"log": "$params.log"}})
        },
    )
    script = _calls("counted: {}").replace("replies:\n", "replies:\n  - {when: {turn: 7}, answer: {text: done}}\n")
    with ModelServer(script) as server:
        told = run(plan, server, tmp_path)
        assert "no progress" not in str(server.bodies)
    assert (told.status, server.requests) == ("done", 7)


def test_a_write_is_not_done_again_for_a_model_that_repeats_itself(tmp_path: Path) -> None:
    """The same write in the turn after is refused before it is made; the model is told that its result is above."""
    plan = made(
        {"assistant": agent(tools=("reserve",))},
        tools={"reserve": tool("reserve", effects="write", idempotent=True, **{"with": {"log": "$params.log"}})},
    )
    with ModelServer(_calls("reserve: {item: mug}")) as server:
        told = run(plan, server, tmp_path)
    assert (told.status, server.requests) == ("failed: exhausted", 4)
    assert len((tmp_path / "log").read_text(encoding="utf-8").splitlines()) == 1


def test_what_is_said_of_a_turn_does_not_depend_on_which_of_its_calls_was_first() -> None:
    """Calls of one turn finish in any order; after a resume in another one, and the model must be told the same."""
    for order in (("a", "c"), ("c", "a")):
        progress = Progress("it", 3)
        assert [progress.repeats(1, name, {}, name) for name in ("a", "b")] == [None, None]
        told = {name: progress.repeats(2, name, {}, name) for name in order}
        assert (told["a"] is not None, told["c"] is not None) == (True, False)
        assert progress.repeats(3, "b", {}, "b") is None, "the turn before brought something new"
