"""What a person who is new to jobs runs into, on the real command line."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .stall import LANCEDB, MEMORY, PARQUET, Stall, offers


@pytest.mark.parametrize("sink", [PARQUET, pytest.param(LANCEDB, marks=pytest.mark.soak), MEMORY])
def test_a_run_that_only_deletes_takes_the_row_away(tmp_path: Path, sink: str) -> None:
    """The table that an earlier run wrote fits the one that a run without rows asks for."""
    stall = Stall.make(tmp_path / "stall", offers(40), sink=sink)
    stall.done()
    stall.feed(offers(39))
    report = stall.done()["outputs"]
    assert report["deleted"] == 1
    if sink != MEMORY:
        assert stall.keys() == [f"s{number:03d}" for number in range(39)]
    assert stall.called() == 40


@pytest.mark.parametrize("sink", [PARQUET, pytest.param(LANCEDB, marks=pytest.mark.soak)])
def test_a_table_that_is_gone_is_built_again_without_a_call(tmp_path: Path, sink: str) -> None:
    """Also where a row has changed: the table holds all rows, and only that row's stages are called."""
    stall = Stall.make(tmp_path / "stall", offers(30), sink=sink)
    stall.done()
    shutil.rmtree(stall.folder / "table")
    again = stall.run()
    assert again.returncode == 0, again.stderr
    assert "table is gone or empty, where 30 rows were written" in again.stderr
    assert (stall.called(), len(stall.keys())) == (30, 30)
    shutil.rmtree(stall.folder / "table")
    stall.feed([("s000", "another", "7"), *offers(30)[1:]])
    report = stall.done()["outputs"]
    assert (report["changed"], report["redo"], report["written"]) == (1, 29, 30)
    assert (stall.called(), len(stall.keys())) == (31, 30)


def test_a_mistyped_source_locks_nothing(tmp_path: Path) -> None:
    """Nothing was read, so nothing is bound: the corrected spec runs under the same name, and `ps` knew of no job."""
    stall = Stall.make(tmp_path / "stall", offers(3), url="fed.csv")
    wrong = stall.run()
    assert (wrong.returncode, "there is no file fed.csv" in wrong.stderr) == (1, True)
    assert "stall" not in stall.darner("ps").stdout
    stall.url = "feed.csv"
    stall.write()
    assert stall.done()["outputs"]["written"] == 3
    assert "stall" in stall.darner("ps").stdout


def test_a_folder_without_files_to_read_says_so(tmp_path: Path) -> None:
    """The folder is there: that it is not found would be no help."""
    stall = Stall.make(tmp_path / "stall", offers(3), url="empty")
    (stall.folder / "empty").mkdir()
    said = stall.run("--dry").stderr
    assert "the folder empty holds no Parquet, CSV or JSONL file" in said


def test_a_lock_that_can_not_be_opened_is_the_stores_error(tmp_path: Path) -> None:
    """Like one that belongs to another user: exit 1 with what to do, not darner's own error."""
    stall = Stall.make(tmp_path / "stall", offers(3))
    (stall.folder / "store" / "jobs" / "stall" / "driver.lock").mkdir(parents=True)
    ended = stall.run()
    assert (ended.returncode, "opening" in ended.stderr, "darner itself" in ended.stderr) == (1, True, False)


def test_a_row_that_does_not_fit_is_named_by_its_row(tmp_path: Path) -> None:
    """Rows are counted without the header, and not as lines."""
    stall = Stall.make(tmp_path / "stall", [*offers(1), ("s9", "Offer", "bad")])
    assert 'feed.csv, row 2: price: "bad"' in stall.run("--dry").stderr


def test_a_row_that_ends_the_process_is_a_dead_letter_and_says_what_was_called(tmp_path: Path) -> None:
    """`sys.exit` is an exception like any other, with its code in the message."""
    rows = offers(10)
    rows[4] = ("s004", "exit", "1")
    stall = Stall.make(tmp_path / "stall", rows, dead_max="20%")
    report = stall.done()["outputs"]
    assert (report["dead"], report["written"]) == (1, 9)
    assert "died in normalise after 1 attempt(s), error: SystemExit: sys.exit(3) was called" in stall.darner("why", "stall", "s004").stdout


def test_a_row_that_kills_its_process_ends_the_run_with_stage_and_exit_code(tmp_path: Path) -> None:
    """`os._exit` can't be caught: the process died, of what is said."""
    stall = Stall.make(tmp_path / "stall", [("s0", "vanish", "1")])
    ended = stall.run()
    assert ended.returncode == 1
    assert "normalise" in ended.stderr
    assert "exit code 5" in ended.stderr


def test_why_a_row_died_is_said_while_the_run_is_not_finished(tmp_path: Path) -> None:
    """Over `dead_letter.max` the run ends without a manifest, and its dead letters are what its user wants to see."""
    rows = [*offers(3), ("bad", "Offer", "-1")]
    stall = Stall.make(tmp_path / "stall", rows)
    assert stall.run().returncode == 1
    said = stall.darner("why", "stall", "bad").stdout
    assert "bad  dead in generation 1, which isn't finished" in said
    assert "died in normalise after 1 attempt(s), error: ValueError: the price -1 is not above zero" in said


def test_the_final_table_adds_up_and_says_why_rows_are_dead(tmp_path: Path) -> None:
    """Every source row is accounted for, the reasons are counted, the place of the letters can be opened, and later runs remember."""
    bad = [(f"b{number}", "Offer", f"-{number}") for number in range(1, 4)]
    stall = Stall.make(tmp_path / "stall", [*offers(5), *offers(1), ("", "Offer", "1"), *bad], dead_max="50%")
    first = stall.run().stdout
    assert "10 source rows: 8 new, 1 superseded by a later row of the same key, 1 without a key" in first
    assert "3 × normalise: ValueError: the price … is not above zero" in first  # noqa: RUF001 - as it is shown
    place = next(line for line in first.splitlines() if "dead letters: " in line).partition(": ")[2]
    assert list(Path(place).glob("*.arrow"))
    again = stall.run().stdout
    assert "10 source rows: 8 unchanged, 1 superseded" in again
    assert "3 of the unchanged rows are dead since an earlier run" in again


def test_a_feed_without_rows_is_told_without_a_colon(tmp_path: Path) -> None:
    """Nothing follows, so nothing announces it."""
    stall = Stall.make(tmp_path / "stall", [])
    assert stall.run().stdout.splitlines()[0] == "0 source rows"


def test_a_job_that_is_stopped_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a row: exit 130, what was finished is kept, and the command that goes on."""
    stall = Stall.make(tmp_path / "stall", [("s0", "slow", "1")])
    command = stall.command("run", "stall.yaml", "--engine", "in_memory")
    with subprocess.Popen(command, cwd=stall.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        deadline = time.monotonic() + 120
        while not stall.called() and time.monotonic() < deadline:
            time.sleep(0.1)
        driver.send_signal(signal.SIGINT)
        _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "stopped; what was finished is kept. Go on with: darner run stall.yaml --engine in_memory --store store" in said


def test_a_dry_run_speaks_to_people_and_as_json(tmp_path: Path) -> None:
    """Rows and calls by stage; `--json` prints the same as data."""
    stall = Stall.make(tmp_path / "stall", offers(4))
    said = stall.run("--dry").stdout
    assert said.splitlines()[0] == "4 source rows: 4 new"
    assert "normalise  4 to be called, 0 served from an earlier run" in said
    assert json.loads(stall.run("--dry", "--json").stdout)["new"] == 4
    assert stall.called() == 0


@pytest.mark.parametrize("sink", [PARQUET, pytest.param(LANCEDB, marks=pytest.mark.soak)])
def test_a_table_that_can_not_be_written_is_found_before_any_row_is_computed(tmp_path: Path, sink: str) -> None:
    """A file in its place: said at once, and nothing was bound or called."""
    stall = Stall.make(tmp_path / "stall", offers(4), sink=sink)
    (stall.folder / "table").write_text("a file")
    ended = stall.run()
    assert (ended.returncode, stall.called()) == (1, 0)
    assert "can't be written" in ended.stderr
    (stall.folder / "table").unlink()
    assert stall.done()["outputs"]["written"] == 4
