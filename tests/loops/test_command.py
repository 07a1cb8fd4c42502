"""A loop through the `darner` command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner

SPEC = Path(__file__).parent / "specs" / "improve.yaml"


def go(store: Path, capsys: pytest.CaptureFixture[str], goal: int) -> tuple[int, dict[str, object]]:
    words = ["run", str(SPEC), "-i", "text=abcdefgh", "-i", f"goal={goal}", "--store", str(store), "--run", f"r{goal}", "--json"]
    code = darner(words)
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, told


def test_a_loop_with_a_branch_and_a_map_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four rounds: a letter less in each, and one note more than in the round before."""
    code, told = go(tmp_path, capsys, 40)
    assert (code, told["status"], told["outputs"]) == (0, "done", "abcd 40 10")


def test_one_that_reaches_its_end_without_success_fails_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 1, as exhausted."""
    code, told = go(tmp_path, capsys, 90)
    assert (code, told["status"]) == (1, "failed")
    assert "improve has gone round 5 times, which is its max_rounds" in str(told["error"])
