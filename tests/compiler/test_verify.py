"""What must hold of every plan, whoever made it."""

from __future__ import annotations

import pytest

from darner.compiler.lowering.lower import from_text
from darner.compiler.lowering.verify import PlanError, verify

SOUND = """plan: sound
format: 1
models:
  small: {use: "openai:x"}
agents:
  planner: {model: small, prompt: p, input: str, output: str}
nodes:
  a: {agent: planner, with: $inputs}
  b:
    loop: {state: $a, steps: {c: {callable: m:f, with: [$state, $round, $a]}}, next: m:n, max_rounds: 2}
  d: {callable: m:f, with: {x: $item}, map: {over: $b}, after: [a], when: {a.x: [true]}}
outputs: $d
"""


def test_a_sound_plan_is_given_back() -> None:
    """Loops see what is around them, maps their item."""
    plan = from_text(SOUND)
    assert verify(plan) is plan


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("model: small", "model: big", "agents.planner: there is no big"),
        ("agent: planner", "agent: plan", "a: there is no plan"),
        ("state: $a,", "state: $d,", "b: $d is not before it"),
        ("[$state, $round, $a]", "[$state, $d]", "c: $d is not before it"),
        ("after: [a]", "after: [c]", "d: c is not before it"),
        ("a.x:", "e.x:", "d: e is not before it"),
        ("over: $b", "over: $item", "d: $item is not before it"),
    ],
)
def test_a_plan_that_leads_nowhere_is_refused(before: str, after: str, problem: str) -> None:
    """A plan from a store is not trusted either."""
    assert before in SOUND
    text = SOUND.replace(before, after)
    with pytest.raises(PlanError) as caught:
        verify(from_text(text))
    assert problem in caught.value.problems
