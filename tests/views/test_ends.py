"""What a failed run says at its end, and in lists: short, true, and with the command that helps."""

from __future__ import annotations

from pathlib import Path

from .desk import Desk

SPEC = """
darner: 1
name: ends
flow:
  steps:
    one: {use: ending:ONE}
  outputs: $one
"""
CODE = '''
import time

def sleeps() -> int:
    """Take for ever."""
    time.sleep(2)
    return 1

def rambles() -> int:
    """Fail with many words."""
    raise ValueError("first line\\n" + "and then\\n" * 200)
'''


def written(folder: Path, name: str) -> Path:
    (folder / "ending.py").write_text(CODE)
    path = folder / "ends.yaml"
    path.write_text(SPEC.replace("ONE", name))
    return path


def test_a_run_whose_time_is_over_names_the_command_with_which_more_time_counts(desk: Desk, tmp_path: Path) -> None:
    """A plain resume keeps the plan, and the plan's time: it would end at once."""
    spec = written(tmp_path, "sleeps")
    spec.write_text(spec.read_text() + "  timeout: 0.2s\n")
    assert desk("run", str(spec), "--run", "r1") == 1
    assert "after raising timeout or budget.time in the spec go on with: darner resume r1 --plan new" in desk.err
    assert desk("resume", "r1") == 1
    spec.write_text(spec.read_text().replace("0.2s", "10m"))
    assert desk("resume", "r1", "--plan", "new") == 0, desk.err


def test_a_list_has_one_line_for_a_run_however_much_its_error_says(desk: Desk, tmp_path: Path) -> None:
    """`darner show` tells the rest."""
    assert desk("run", str(written(tmp_path, "rambles")), "--run", "r1") == 1
    assert desk("ps") == 0
    [line] = desk.out.splitlines()
    assert "first line and then" in line
    assert len(line) < 300
    assert desk("show", "r1") == 0
    assert desk.out.count("and then") > 100
