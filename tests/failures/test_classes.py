"""Each class of failure provoked for real under the command, and what is declared for it enforced.

A flow of each has four branches: one says nothing (the language's own reaction), one fails after two attempts, one is left out
after two, one asks a person. They fail alone. The callables are in `trouble_spec/trouble.py`, the models a server on loopback.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.settings import FailureClass
from darner.runtime.events import CallFailed, QuestionAsked, StepFailed, StepSkipped
from darner.runtime.evidence import TABLE
from darner.runtime.failures import FAILURES
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.testing import ModelServer

from ..desk import Desk

HERE = Path(__file__).parent
BRANCHES = ("bare", "fails", "skips", "asks")


@dataclass(frozen=True)
class Trouble:
    """A class, and how it is provoked.

    Args:
        kind: the class.
        words: what the message of the step that fails says.
        script: the model server's replies where an agent meets it; else a callable of `trouble` does, by the class's name.
        bare: how the branch ends for which nothing is declared, and after how many failures.
        tries: how often the branches with two attempts fail.
        resources: those of the callable's process.
        reaction: what the declared reactions say besides.
    """

    kind: FailureClass
    words: str
    script: str = ""
    bare: tuple[str, int] = ("failed", 1)
    tries: int = 2
    resources: str = ""
    reaction: str = ""


FINE = "\n  - answer: {count: 1}"
TROUBLES = (
    Trouble(
        "throttled", "HTTP 429: slow down", bare=("done", 2), reaction=", backoff: 10ms..10ms",
        script="  - {when: {text: bare}, fail: {status: 429, message: slow down, retry_after: 1, as_date: true}, times: 1}\n"
        "  - {when: {text: bare}, fail: {status: 429, message: slow down, retry_after: 0.2}, times: 1}\n"
        "  - {when: {text: bare}, answer: {count: 1}}\n"
        "  - {fail: {status: 429, message: slow down, retry_after: 0.2}}",
    ),
    Trouble(
        "network", "the model small: ", bare=("done", 2), reaction=", backoff: 10ms..10ms",
        script="  - {when: {text: bare}, fail: {broken: reset}, times: 2}\n"
        "  - {when: {text: bare}, answer: {count: 1}}\n  - {fail: {broken: reset}}",
    ),
    Trouble("network", "raised ConnectionRefusedError", bare=("done", 2), reaction=", backoff: 10ms..10ms"),
    Trouble("semantic", "count", bare=("failed", 0), tries=0, script="  - {answer: {count: many}}"),
    Trouble("oom", "went over its memory of 128 MiB", resources="{memory: 128Mi}"),
    Trouble("preempted", "SIGTERM", bare=("done", 1), resources="{memory: 512Mi, spot: true}"),
    Trouble("crashed", "SIGKILL", bare=("failed", 3), resources="{memory: 512Mi}", reaction=", backoff: 10ms..10ms"),
    Trouble("context", "HTTP 400", script="  - {fail: {status: 400, code: context_length_exceeded, message: too long}}", tries=1),
    Trouble("error", "bare is odd"),
    Trouble("exhausted", "HTTP 429: gone", script="  - {fail: {status: 429, code: insufficient_quota, message: gone}}", tries=1),
)  # fmt: skip


def spec_of(one: Trouble) -> str:
    """Return the spec of a trouble."""
    two = f"{{attempts: 2{one.reaction}" if one.tries == 2 or one.kind == "semantic" else "{attempts: 1"
    tails = {"bare": "", "fails": f"{two}}}", "skips": f"{two}, then: skip}}", "asks": f"{two}, ask: boss}}"}
    told = {name: f", on_failure: {{{one.kind}: {tail}}}" if tail else "" for name, tail in tails.items()}
    if one.script:
        runs = [f"    {name}: {{use: clerk, with: {{what: {name}}}{told[name]}}}" for name in BRANCHES]
        more = "agents:\n  clerk: {model: small, prompt: 'What about {{ what }}?', input: 'trouble:Task', output: 'trouble:Said'}\n"
        more += "models:\n  small: {use: 'openai:scripted', base_url: $params.url}\n"
    else:
        given = ", resources: small" if one.resources else ""
        runs = [
            f"    {name}: {{use: 'trouble:{one.kind}', with: {{what: {name}, log: $params.log}}{given}{told[name]}}}" for name in BRANCHES
        ]
        more = f"resources:\n  small: {one.resources}\n" if one.resources else ""
    params = "params:\n" + ("  url: {type: str}\n" if one.script else "  log: {type: str}\n")
    head = f"darner: 1\nname: trouble\n{params}{more}humans:\n  boss: {{ask: 'What now?'}}\n"
    outputs = "{" + ", ".join(f"{name}: ${name}" for name in BRANCHES) + "}"
    return head + "flow:\n  steps:\n" + "\n".join(runs) + f"\n  outputs: {outputs}\n"


@dataclass(frozen=True)
class Met:
    """What came of a trouble."""

    code: int
    err: str
    told: Any
    steps: dict[str, str]
    reasons: dict[str, str]
    places: dict[str, str]
    tried: Counter[str]
    classes: set[FailureClass]
    asked: list[QuestionAsked]


@pytest.fixture
def meet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a trouble's flow under the command."""

    def run(one: Trouble) -> Met:
        folder = tmp_path / "spec"
        shutil.copytree(HERE / "trouble_spec", folder)
        (folder / "spec.yaml").write_text(spec_of(one))
        desk, log = Desk(tmp_path, capsys), tmp_path / "log"
        log.mkdir()
        with ModelServer(f"replies:\n{one.script or FINE}") as server:
            given = f"url={server.base_url}" if one.script else f"log={log}"
            code = desk("run", str(folder / "spec.yaml"), "--set", given, "--run", "r1", "--json")
        return _met(code, desk, list(read_events(open_store(str(desk.store)), "r1")))

    return run


def _met(code: int, desk: Desk, events: list[Any]) -> Met:
    assert desk.out, desk.err
    steps = {one.step: "failed" for one in events if isinstance(one, StepFailed)}
    steps |= {one.step: "skipped" for one in events if isinstance(one, StepSkipped)}
    steps |= {one.step: "done" for one in events if one.kind == "step_finished"}
    failed = [one for one in events if isinstance(one, StepFailed)]
    tried: Counter[str] = Counter()
    above: dict[str, str] = {one.call: one.parent for one in events if one.kind in {"call_started", "call_made"}}
    for one in events:
        if isinstance(one, CallFailed) and one.call not in above.values():
            root = one.parent
            while root in above:
                root = above[root]
            tried[root] += 1
    asked = [one for one in events if isinstance(one, QuestionAsked)]
    classes: set[FailureClass] = {one.failure for one in events if isinstance(one, CallFailed | StepFailed)}
    reasons, places = {one.step: one.message for one in failed}, {one.step: one.place for one in failed}
    return Met(code, desk.err, json.loads(desk.out), steps, reasons, places, tried, classes, asked)


@pytest.mark.parametrize("one", TROUBLES, ids=lambda one: one.kind if one.script or one.kind != "network" else "network-of-code")
def test_a_failure_of_each_class_is_provoked_known_and_reacted_to(one: Trouble, meet: Any) -> None:
    """The class is right, the message names run, step and place, and the four branches end each as it was declared."""
    met = meet(one)
    assert met.code == 3, met.err
    assert met.told["status"] == "waiting"
    assert met.classes == {one.kind}, met.classes
    status, failures = one.bare
    assert met.steps == {"bare": status, "fails": "failed", "skips": "skipped"}, met.reasons
    assert met.tried["bare"] == failures
    assert met.tried["fails"] == met.tried["skips"] == met.tried["asks"] == one.tries
    assert one.words.replace("bare", "fails") in met.reasons["fails"]
    assert met.places["fails"].partition("spec.yaml:")[2].count(":") == 1
    [asked] = met.asked
    assert (asked.about, asked.human, asked.shown["failure"], asked.shown["step"]) == ("rescue", "boss", one.kind, "asks")


def test_every_class_is_provoked_here() -> None:
    """And every class but those that only darner itself can see has rows in the table of evidence."""
    assert {one.kind for one in TROUBLES} == set(FAILURES)
    assert {row.kind for row in TABLE} == set(FAILURES)
