"""A step that says `calls: []`: it calls nothing, and what it takes from darner is on record all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.compiler.lowering.plantext import from_text, to_text
from darner.runtime.cli.main import run as darner

from ..desk import Desk

SPEC = """darner: 1
name: alone
params:
  notes: {type: str, help: where the numbers are noted}
flow:
  steps:
    drawn: {use: "alone_steps:drawn", with: {notes: $params.notes}, calls: [], limits: {time: 1m}}
    plain: {use: "alone_steps:plain"}
  outputs: {drawn: $drawn, plain: $plain}
"""
STEPS = """
from pathlib import Path
import darner

async def drawn(notes: str) -> str:
    number = str(darner.uuid())
    await darner.sleep("0.05s")
    file = Path(notes)
    with file.open("a") as noted:
        noted.write(f"{number} ")
    if not file.with_name("open").exists():
        raise RuntimeError("the gate is shut")
    return number

async def plain() -> str:
    return "plain"
"""


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    (tmp_path / "alone.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "alone_steps.py").write_text(STEPS, encoding="utf-8")
    return Desk(tmp_path, capsys)


def test_what_a_step_without_calls_takes_from_darner_is_on_record(desk: Desk) -> None:
    """It is executed again, and given the number that it had."""
    spec, notes = str(desk.folder / "alone.yaml"), desk.folder / "notes"
    assert desk("run", spec, "--set", f"notes={notes}", "--run", "r", "--json") == 1
    assert "the gate is shut" in desk.err
    (desk.folder / "open").touch()
    assert desk("resume", "r", "--json") == 0
    first, second = notes.read_text(encoding="utf-8").split()
    assert first == second == desk.json()["outputs"]["drawn"]


def test_only_a_step_that_says_so_is_fed_from_the_journal(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """A plan in full has `calls` at each step, and says of one alone that it was written so; it reads back the same."""
    spec = str(desk.folder / "alone.yaml")
    for form in ((), ("--full",)):
        assert darner(["compile", spec, "-o", "-", *form]) == 0
        text = capsys.readouterr().out
        plan = from_text(text)
        assert {name: step.conducts for name, step in plan.steps.items()} == {"drawn": True, "plain": False}
        assert to_text(plan, full=bool(form)) == text


def test_a_step_that_says_that_it_calls_nothing_is_bounded_and_async(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """As with calls: a sleep has no other end."""
    spec = desk.folder / "alone.yaml"
    spec.write_text(SPEC.replace(", limits: {time: 1m}", ""), encoding="utf-8")
    assert darner(["check", str(spec)]) == 2
    assert "E213" in capsys.readouterr().err
    spec.write_text(SPEC, encoding="utf-8")
    steps = desk.folder / "alone_steps.py"
    steps.write_text(steps.read_text(encoding="utf-8").replace("async def", "def").replace("await ", ""), encoding="utf-8")
    assert darner(["check", str(spec)]) == 2
    assert "has calls and is not async" in capsys.readouterr().err
