"""A person is asked about an agent that is at its end: what was tried, by class, and what it cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan, StepPlan
from darner.compiler.settings import FailureClass, Reaction
from darner.runtime.cli.main import run as darner
from darner.runtime.failures import FAILURES, Failure
from darner.runtime.scope import reaction
from darner.testing import ModelServer

SPEC = """darner: 1
name: talk
models:
  small: {use: "openai:scripted", base_url: URL, price: {input: 2.00 USD, output: 20.00 USD}}
agents:
  clerk: {model: small, prompt: "What about {{ input }}?", input: str, output: int, limits: {turns: 3}}
humans:
  boss: {ask: "{{ step }}: {{ message }} {{ attempts }} {{ minutes }} min, {{ tokens }} tokens, {{ cost }}"}
flow:
  inputs: str
  budget: {cost: 1.00 USD}
  steps:
    count: {use: clerk, with: {input: $inputs}, on_failure: {exhausted: {ask: boss}}}
  outputs: $count
"""
USAGE = "usage: {input: 1000, output: 100}"


class Shop:
    """Commands on a store, with a model that is scripted anew."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.requests: list[dict[str, Any]] = []
        (folder / "in.json").write_text('"mugs"', encoding="utf-8")

    def __call__(self, script: str, *words: str) -> tuple[int, Any]:
        """Run a command against a model; return its exit code and what it printed."""
        with ModelServer(script, port=self._port()) as server:
            (self.folder / "spec.yaml").write_text(SPEC.replace("URL", json.dumps(server.base_url)), encoding="utf-8")
            (self.folder / "port").write_text(server.base_url.split(":")[2].partition("/")[0], encoding="utf-8")
            code = darner([*words, "--store", str(self.folder / "store"), "--json"])
            self.requests = server.bodies
            return code, json.loads(self._capsys.readouterr().out)

    def run(self, script: str) -> tuple[int, Any]:
        """Start the run."""
        return self(script, "run", str(self.folder / "spec.yaml"), "--inputs", str(self.folder / "in.json"), "--run", "r")

    def _port(self) -> int:
        """Return the port that the run knows its model at."""
        known = self.folder / "port"
        return int(known.read_text()) if known.exists() else 0


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Return a shop."""
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, capsys)


def test_a_person_is_shown_what_was_tried_by_class_and_what_it_cost(shop: Shop) -> None:
    """Two resets, then three answers that are no number: parked. The person says: retry; good turns stay, and one request does it."""
    code, told = shop.run(f"replies: [{{fail: {{broken: reset}}, times: 2}}, {{answer: no number, {USAGE}}}]")
    assert code == 3
    [asked] = told["questions"]
    assert (asked["human"], asked["about"]) == ("boss", "rescue")
    shown = asked["shown"]
    assert shown["attempts"] == {"network": 2, "semantic": 3}
    assert (shown["failure"], shown["tokens"], shown["cost"]) == ("semantic", 3300, "0.012 USD")
    assert isinstance(shown["minutes"], float)
    assert "3300 tokens, 0.012 USD" in asked["text"]
    code, told = shop(f"replies: [{{answer: 3, {USAGE}}}]", "answer", "r", "retry", "--resume")
    assert (code, told["outputs"], len(shop.requests)) == (0, 3, 1)
    assert told["cost"] == "0.016 USD"


def test_an_open_question_is_not_asked_anew_since_time_went_by(shop: Shop) -> None:
    """How long it took is shown beside the question, and makes no other one of it."""
    _, told = shop.run(f"replies: [{{answer: no number, {USAGE}}}]")
    for _ in range(2):
        code, again = shop("replies: [{text: never}]", "resume", "r")
        assert code == 3
        assert again["questions"][0]["question"] == told["questions"][0]["question"]
        assert shop.requests == []


@pytest.mark.parametrize("kind", ["throttled", "network", "semantic", "oom", "crashed", "context", "exhausted"])
def test_whatever_is_used_up_is_asked_about_where_exhausted_says_whom(kind: FailureClass) -> None:
    """`exhausted` comes last, at the step: it counts for every class that was tried again, unless that says something itself."""
    failure: Failure = FAILURES[kind]("no")
    step = StepPlan(callable="a:b", on_failure={"exhausted": Reaction(ask="boss")})
    assert reaction(Plan(plan="p", steps={"it": step}), step, failure).ask == "boss"
    own = StepPlan(callable="a:b", on_failure={"exhausted": Reaction(ask="boss"), kind: Reaction(ask="desk")})
    assert reaction(Plan(plan="p", steps={"it": own}), own, failure).ask == "desk"
    skips = StepPlan(callable="a:b", on_failure={"exhausted": Reaction(ask="boss"), kind: Reaction(then="skip")})
    assert reaction(Plan(plan="p", steps={"it": skips}), skips, failure).then == "skip"


@pytest.mark.parametrize("kind", ["error", "preempted"])
def test_what_was_never_tried_again_is_not_used_up(kind: FailureClass) -> None:
    """An exception of the code is nobody's exhausted attempts, unless it was to be tried again."""
    failure: Failure = FAILURES[kind]("no")
    step = StepPlan(callable="a:b", on_failure={"exhausted": Reaction(ask="boss")})
    assert reaction(Plan(plan="p", steps={"it": step}), step, failure).ask is None
    again = StepPlan(callable="a:b", on_failure={"exhausted": Reaction(ask="boss"), kind: Reaction(attempts=3)})
    assert reaction(Plan(plan="p", steps={"it": again}), again, failure).ask == "boss"
