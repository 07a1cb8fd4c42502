"""A step that failed for good, and a person who helps."""

from __future__ import annotations

import pytest

from darner.compiler.plan import McpPlan, Plan, StepPlan, ToolPlan
from darner.compiler.settings import Reaction
from darner.runtime.events import QuestionAsked
from darner.runtime.failures import CallableError, Network
from darner.runtime.scope import reaction

from .office import Office


def test_a_person_sees_what_was_tried_and_it_is_tried_again_as_often_as_they_say(office: Office) -> None:
    """Parked with what went wrong and what it cost; each failure is a question of its own; the third attempt works."""
    assert office.run("stuck.yaml", "--json") == 3
    [asked] = office.json()["questions"]
    assert (asked["about"], asked["human"]) == ("rescue", "boss")
    assert "work failed: " in asked["text"]
    assert "the machine is jammed" in asked["shown"]["message"]
    assert any("RuntimeError" in line for line in asked["shown"]["tried"])
    assert office("resume", "r1", "--json") == 3
    assert office.json()["questions"][0]["question"] == asked["question"]
    assert office.effects == ["tried"]
    assert office("answer", "r1", "retry", "--resume", "--json") == 3
    assert office.json()["questions"][0]["question"] != asked["question"]
    assert office("answer", "r1", "retry", "oil it", "--resume", "--json") == 0
    assert office.json()["outputs"] == {"work": "made", "after": "MADE"}
    assert office.effects == ["tried"] * 3
    assert sum(isinstance(one, QuestionAsked) for one in office.events()) == 2


@pytest.mark.parametrize(
    ("answer", "code", "outputs"),
    [
        ('value "by hand"', 0, {"work": "by hand", "after": "BY HAND"}),
        ("skip", 0, {"work": None, "after": None}),
        ("abort", 1, None),
    ],
)
def test_a_person_gives_the_value_skips_the_step_or_lets_it_fail(
    office: Office, answer: str, code: int, outputs: dict[str, str | None] | None
) -> None:
    """A value goes on as the step's result; what reads a skipped step is skipped; abort is the step's own failure."""
    assert office.run("stuck.yaml") == 3
    assert office("answer", "r1", *answer.split(" ", 1), "--resume", "--json") == code
    told = office.json()
    if outputs is None:
        assert "the machine is jammed" in told["error"]
    else:
        assert told["outputs"] == outputs
    assert office.effects == ["tried"]


def test_limits_are_raised_by_their_names_only(office: Office) -> None:
    """A verdict that says nothing is refused."""
    assert office.run("stuck.yaml") == 3
    for wrong in ("raise", "raise {}", 'raise {"moons": 3}', "value", "help"):
        assert office("answer", "r1", *wrong.split(" ", 1)) == 2
    assert office("answer", "r1", "raise", '{"cost": "1.00 USD"}') == 0


def test_a_step_that_calls_a_server_s_tool_fails_as_its_server_s_entry_says() -> None:
    """`gh.create_issue` has the reactions of `gh`, and the step's own are laid over them: who is asked depends on both."""
    server = ToolPlan(mcp=McpPlan(command=("gh",)), on_failure={"error": Reaction(ask="boss"), "network": Reaction(then="skip")})
    step = StepPlan(tool="gh.create_issue", on_failure={"network": Reaction(ask="desk")})
    plan = Plan(plan="p", tools={"gh": server}, steps={"file": step})
    assert reaction(plan, step, CallableError("no")).ask == "boss"
    asked = reaction(plan, step, Network("down"))
    assert (asked.ask, asked.then) == ("desk", "skip")
