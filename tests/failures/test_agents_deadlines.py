"""An agent's limit of time ends all that goes on for it: the process tree of a tool, another agent that it asked, and that one's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from darner.runtime.events import CallFailed
from darner.testing import ModelServer

from .busy import HERE, Busy, below, one, until

SPEC = """
darner: 1
name: late
params: {url: {type: str}}
models:
  small: {use: "openai:scripted", base_url: $params.url}
resources:
  small: {memory: 512Mi}
tools:
  hold: {use: "busy:caged", effects: read, resources: small}
agents:
  clerk: {model: small, prompt: "Hold {{ what }}.", input: "busy:Task", output: "busy:Said", tools: [hold] CLERK}
  boss: {model: small, prompt: "Delegate {{ what }}.", input: "busy:Task", output: "busy:Said", agents: [clerk] BOSS}
flow:
  steps:
    ask: {use: WHO, with: {what: it}}
  outputs: $ask
"""
LIMIT = ", limits: {time: 20s}"


@pytest.fixture
def busy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Busy]:
    with one(tmp_path, capsys) as found:
        yield found


@pytest.mark.parametrize("who", [pytest.param("clerk", marks=pytest.mark.soak), "boss"])
def test_an_agent_whose_time_is_over_leaves_no_process_behind(busy: Busy, who: str) -> None:
    """Its tool, or that of the agent that it asked, has started two processes, and would wait for them for an hour."""
    folder = busy.folder / "spec"
    shutil.copytree(HERE / "busy_spec", folder)
    busy.log.mkdir()
    limits = {"CLERK": LIMIT if who == "clerk" else "", "BOSS": LIMIT if who == "boss" else "", "WHO": who}
    text = SPEC if who == "boss" else "\n".join(line for line in SPEC.splitlines() if "BOSS" not in line)
    for name, value in limits.items():
        text = text.replace(name, value)
    (folder / "spec.yaml").write_text(text)
    calls = f"replies: [{{when: {{text: Delegate}}, call: {{clerk: {{what: it}}}}}}, {{call: {{hold: {{log: {str(busy.log)!r}}}}}}}]"
    with ModelServer(calls) as server:
        assert busy("run", str(folder / "spec.yaml"), "--run", "r1", "--set", f"url={server.base_url}", "--json") == 1, busy.err
    assert (busy.log / "caged").exists(), "its time was over before the tool began"
    until(lambda: not below())
    assert f"the agent {who} has used up its limits.time: 20s" in busy.json()["error"]
    failed = [event for event in busy.events() if isinstance(event, CallFailed)]
    assert [(event.name, event.failure) for event in failed] == [(who, "exhausted")]
