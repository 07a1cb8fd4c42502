"""What a failed run says at its end, and in lists: short, true, and with the command that helps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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


def test_a_failed_step_says_where_the_user_s_code_raised(desk: Desk, tmp_path: Path) -> None:
    """The line is in the file of the user; the end of the run, `show --failures` and `why` name it, also of an item of a map.

    (It stood in the journal, and nothing showed it.)
    """
    assert desk("run", str(written(tmp_path, "rambles")), "--run", "r1") == 1
    where = "/ending.py:11 in rambles"
    assert re.search(rf"^  raised at /.*{where}$", desk.err, re.MULTILINE)
    for words in (["show", "r1", "--failures"], ["why", "r1", "one"]):
        assert desk(*words) == 0
        assert where in desk.out
    assert desk.asked("show", "r1", "--failures")["failures"]["tried"][0]["where"].endswith(where)
    assert desk.trip(["Oslo", "Rome?"], run="r2") == 1
    assert "trips.py:52 in price" in desk.err


BESIDE = """
darner: 1
name: beside
humans:
  clerk: {ask: "Which town?"}
flow:
  steps:
    one: {use: ending:rambles}
    town: {use: clerk}
  outputs: {one: $one, town: $town}
"""


def test_a_run_that_waits_for_people_says_what_has_failed_meanwhile(desk: Desk, tmp_path: Path) -> None:
    """Whoever is asked hears that the run will fail all the same; nothing of it is said where nothing has failed.

    (Only the question was shown.)
    """
    spec = written(tmp_path, "rambles")
    spec.write_text(BESIDE)
    assert desk("run", str(spec), "--run", "r1") == 3
    assert "ends.yaml:8:5: step one failed (error, ValueError): " in desk.err
    assert "what doesn't depend on that goes on; when it is over, the run fails" in desk.err
    assert "Which town?" in desk.err
    assert desk("answer", "r1", "Oslo", "--resume") == 1
    spec.write_text(BESIDE.replace("rambles", "sleeps"))
    assert desk("run", str(spec), "--run", "r2") == 3
    assert "failed" not in desk.err


def test_the_next_command_names_the_store_where_another_one_would_be_looked_at_without(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown is typed as it stands; a store that is meant anyway is left out.

    (The next command said that there is no such run.)
    """
    spec = written(tmp_path, "rambles")
    assert desk("run", str(spec), "--run", "r1") == 1
    assert desk.err.endswith(f"go on with: darner resume r1 --store {desk.store}\n")
    monkeypatch.setenv("DARNER_STORE", str(desk.store))
    assert desk("resume", "r1") == 1
    assert desk.err.endswith("go on with: darner resume r1\n")
    monkeypatch.delenv("DARNER_STORE")
    monkeypatch.chdir(desk.store.parent)
    desk.store.rename(".darner")
    desk.store = Path(".darner")
    assert desk("resume", "r1") == 1
    assert desk.err.endswith("go on with: darner resume r1\n")
