"""Texts that UTF-8 can't hold, that steer terminals, that never end, and numbers that are none: kept, and shown without harm."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli import console
from darner.runtime.cli.main import run as darner

from .. import warm
from ..desk import command

SPEC = """darner: 1
name: words
tools:
  look: {use: "words_steps:seen", effects: read}
  pay: {use: "words_steps:pay", effects: write, approval: desk}
humans:
  desk: {ask: "Pay {{ what }}?"}
flow:
  inputs: str
  steps:
    made: {use: "words_steps:made", with: {kind: $inputs}}
    seen: {use: "words_steps:seen", with: {value: $made}}
    between: {use: "words_steps:between", with: {kind: $inputs}, calls: [look], limits: {calls: 1}}
    paid: {use: pay, with: {what: $inputs}, after: [seen, between]}
  outputs: {made: $made, seen: $seen}
"""
STEPS = """
from typing import Any

from darner import Call

class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

class Leaving(BaseException):
    def __str__(self) -> str:
        raise RuntimeError("no words")

def made(kind: str) -> Any:
    errors = {
        "unwritable": ValueError("no file caf\\udce9"), "steering": ValueError("\\x1b[2Kred \\x9b31m\\rover\\u202eend"),
        "endless": ValueError("y" * 1_000_000), "broken": Broken(), "leaving": Leaving(),
    }
    if kind in errors:
        raise errors[kind]
    return {"lone": "🚲 \\ud800", "nan": [float("nan"), float("inf"), 0.5]}.get(kind, kind)

def seen(value: Any) -> str:
    return repr(value)

async def between(kind: str, look: Call[Any, str]) -> str:
    if kind == "between":
        raise Broken
    return kind

def pay(what: str) -> str:
    return what
"""


class Writer:
    """Runs the flow in this process, and keeps what was printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        (folder / "words.yaml").write_text(SPEC, encoding="utf-8")
        (folder / "words_steps.py").write_text(STEPS, encoding="utf-8")
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        """Run a command."""
        self.capsys.readouterr()
        code = darner([*words, "--store", str(self.folder / "store")])
        self.out, self.err = self.capsys.readouterr()
        return code

    def run(self, kind: str, *more: str) -> int:
        """Run the flow under the name of its input."""
        return self("run", str(self.folder / "words.yaml"), "-i", f"inputs={kind}", "--run", "r", *more)

    def all_that_is_told(self) -> str:
        """Return what every command that shows runs says."""
        told = [self.out, self.err]
        for words in (("show", "r"), ("show", "r", "--failures"), ("show", "r", "--json"), ("ps",), ("ps",), ("why", "r", "made")):
            assert self(*words) == 0, words
            told += [self.out, self.err]
        return "".join(told)


@pytest.fixture
def writer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Writer:
    return Writer(tmp_path, capsys)


def test_an_error_s_text_that_utf_8_can_t_hold_fails_its_step_and_nothing_else(writer: Writer) -> None:
    """A file's name with a byte of Latin-1 is enough; it is shown as an escape, and what `ps` remembers reads back."""
    assert writer.run("unwritable", "--json") == 1
    assert "no file caf\udce9" in json.loads(writer.out)["error"]
    assert "no file caf\\udce9" in writer.all_that_is_told()
    kept = json.loads((writer.folder / "store" / "index" / "runs.json").read_bytes())
    assert kept["runs"]["r"]["status"] == "failed"


def test_what_would_steer_a_terminal_is_shown_as_an_escape(writer: Writer) -> None:
    """Nobody's text moves the cursor, deletes a line or turns it around: not in an error, and not in what a person is to approve."""
    assert writer.run("steering") == 1
    assert "\\u001b[2Kred" in writer.err
    assert not console.STEERING.search(writer.all_that_is_told())
    assert writer("run", str(writer.folder / "words.yaml"), "-i", "inputs=a\x1b[1A\x1b[2Kb", "--run", "q") == 3
    assert "Pay a\\u001b[1A\\u001b[2Kb?" in writer.err
    assert not console.STEERING.search(writer.err)
    assert writer("show", "q", "--json") == 0
    assert json.loads(writer.out)["waiting"][0]["text"] == "Pay a\x1b[1A\x1b[2Kb?"


def test_of_an_error_that_never_ends_its_beginning_is_told(writer: Writer) -> None:
    """With how long it was."""
    assert writer.run("endless") == 1
    assert "yyy… (1,000,000 characters)" in writer.err
    assert len(writer.all_that_is_told()) < 100_000


@pytest.mark.parametrize("kind", ["broken", "leaving", "between"])
def test_an_exception_that_can_t_say_what_it_is_fails_its_step(writer: Writer, kind: str) -> None:
    """Nor the process that runs it: in a callable, as it leaves, and between calls."""
    assert writer.run(kind) == 1
    assert "its __str__ raised RuntimeError" in writer.err


def test_numbers_that_are_none_stay_what_they_are_between_steps(writer: Writer) -> None:
    """NaN is no null: the next step is given it, now and after a resume; JSON for others has null there."""
    assert writer.run("nan", "--json") == 3
    assert writer("answer", "r", "approve") == 0
    assert writer("resume", "r", "--json") == 0
    outputs: Any = json.loads(writer.out)["outputs"]
    assert outputs == {"made": [None, None, 0.5], "seen": "[nan, inf, 0.5]"}


def test_outputs_that_stdout_has_no_bytes_for_are_json_all_the_same(writer: Writer) -> None:
    """A lone surrogate nowhere, an emoji not in Latin-1."""
    assert writer.run("lone") == 3
    assert writer("answer", "r", "approve") == 0
    again = command("resume", "r", "--store", str(writer.folder / "store"))
    outputs = warm.run(again).stdout
    latin = os.environ | {"PYTHONIOENCODING": "latin-1"}
    plain = subprocess.run(again, env=latin, capture_output=True, check=True, timeout=280).stdout.decode("ascii")
    for said in (outputs, plain):
        assert json.loads(said)["made"] == "🚲 \ud800"
