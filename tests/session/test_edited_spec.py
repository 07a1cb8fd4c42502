"""A spec that is edited between a crash and the resume: the run keeps the plan and the prompts that it began with; a fork takes the new."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darner.testing import ModelServer

from .. import warm
from ..desk import command

SPEC = """darner: 1
name: letters
params:
  log: {{type: str, help: where calls are noted}}
models:
  small: {{use: "openai:scripted", base_url: "{url}"}}
tools:
  send: {{use: "letters_steps:send", with: {{log: $params.log}}, effects: write}}
agents:
  writer: {{model: small, prompt: write.j2, input: "letters_steps:Topic", output: "letters_steps:Letter", limits: {{turns: 2}}}}
flow:
  steps:
    first: {{use: writer, with: {{topic: rain}}}}
    sent: {{use: send, with: {{text: $first.text}}}}
    gate: {{use: "letters_steps:gate", with: {{sent: $sent}}}}
    second: {{use: writer, with: {{topic: $gate}}}}
    extra: {{use: "letters_steps:loud", with: {{text: $second.text}}}}
  outputs: {{sent: $sent, second: $second.text, extra: $extra}}
"""
STEPS = """
from pathlib import Path
from pydantic import BaseModel


class Topic(BaseModel):
    topic: str


class Letter(BaseModel):
    text: str


def send(log: str, text: str) -> str:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"send {text}\\n")
    return f"sent {text}"


def gate(sent: str) -> str:
    if not Path(__file__).with_name("open").exists():
        raise RuntimeError("the gate is shut")
    return "snow"


def loud(text: str) -> str:
    return text.upper()
"""
SCRIPT = """
replies:
  - {when: {text: "Write of (?P<topic>[a-z]+)"}, answer: {text: "a letter of {topic}"}}
  - {when: {text: "Sing of (?P<topic>[a-z]+)"}, answer: {text: "a song of {topic}"}}
"""


@dataclass(frozen=True)
class Letters:
    """A spec in a folder, each command a process of its own."""

    folder: Path
    server: ModelServer

    def __call__(self, *words: str) -> tuple[int, Any, str]:
        """Run a command; return its exit code, its object, and what people were told."""
        line = command(*words, "--store", self.folder / "store", "--json")
        done = warm.run(line, imports=warm.MODELS)
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    def begin(self) -> None:
        """Run until the gate: one letter was written, and sent."""
        code, told, _ = self("run", str(self.folder / "letters.yaml"), "--set", f"log={self.folder / 'log'}", "--run", "r1")
        assert (code, self.server.requests) == (1, 1), told
        (self.folder / "open").touch()

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def edit_all(self) -> None:
        """Change a prompt, a write tool and a helper; add a step, remove one, rename one."""
        self.edit("write.j2", "Write", "Sing")
        self.edit("letters_steps.py", 'return f"sent {text}"', 'return f"posted {text}"')
        self.edit("letters_steps.py", "text.upper()", "text.upper() + '!'")
        self.edit("letters.yaml", "    sent: {use: send", "    added: {use: writer, with: {topic: wind}}\n    sent: {use: send")
        self.edit("letters.yaml", '    extra: {use: "letters_steps:loud", with: {text: $second.text}}\n', "")
        self.edit("letters.yaml", ", extra: $extra", ", added: $added.text")
        self.edit("letters.yaml", "    second: {use", "    last: {use")
        self.edit("letters.yaml", "second: $second.text", "last: $last.text")

    @property
    def sent(self) -> list[str]:
        """What was sent."""
        return (self.folder / "log").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[Letters]:
    """Letters whose models are a counting server's."""
    with ModelServer(SCRIPT) as server:
        (tmp_path / "letters.yaml").write_text(SPEC.format(url=server.base_url), encoding="utf-8")
        (tmp_path / "write.j2").write_text("Write of {{ topic }}", encoding="utf-8")
        (tmp_path / "letters_steps.py").write_text(STEPS, encoding="utf-8")
        yield Letters(tmp_path, server)


def test_a_resumed_run_keeps_its_plan_and_its_prompts_and_repeats_nothing(letters: Letters) -> None:
    """Prompt, write tool, helper, steps: all are others now. Python is what is there now, everything else as it was; it says so.

    `diff --runs` said before that the run is pinned.
    """
    letters.begin()
    (letters.folder / "old.yaml").write_text((letters.folder / "letters.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    letters.edit_all()
    code, told, _ = letters("diff", str(letters.folder / "old.yaml"), str(letters.folder / "letters.yaml"), "--runs")
    assert (code, [(one["run"], one["verdict"]) for one in told["runs"]]) == (0, [("r1", "pinned")])
    code, told, said = letters("resume", "r1")
    assert code == 0, told
    assert told["outputs"] == {"sent": "sent a letter of rain", "second": "a letter of snow", "extra": "A LETTER OF SNOW!"}
    assert "the spec has changed since" in said
    assert (letters.server.requests, letters.sent) == (2, ["send a letter of rain"])
    drifted = letters("show", "r1", "--drift")[1]["drift"]
    assert ("sent", "send") in [(one["step"], one["name"]) for one in drifted]


def test_a_fork_with_the_new_plan_asks_what_is_new_and_writes_nothing_again(letters: Letters) -> None:
    """From the step that failed on: what came before is copied, its words too; the added step is asked in the new prompt's."""
    letters.begin()
    letters.edit_all()
    code, told, _ = letters("fork", "r1", "--at", "gate", "--plan", "new", "--run", "r2")
    assert code == 0, told
    code, told, _ = letters("resume", "r2")
    assert code == 0, told
    assert told["outputs"] == {"sent": "sent a letter of rain", "added": "a song of wind", "last": "a song of snow"}
    assert (letters.server.requests, letters.sent) == (3, ["send a letter of rain"])
