"""Stores that can't be written any more, as workers and driver find them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from darner.runtime.batch.passing import heard, passed_on
from darner.runtime.failures import Crashed, DarnerError, Fenced, StoreError

from .jobs import Project, products

SHARD = 200


@pytest.mark.parametrize(
    ("engine", "full"),
    [
        pytest.param("in_memory", r"/(parts|markers|started)/", marks=pytest.mark.soak),
        ("multi_threading", r"/(parts|markers|started)/"),
        pytest.param("multi_processing", r"/(parts|markers|started)/", marks=pytest.mark.soak),
        pytest.param("in_memory", r"/parts/embed/", marks=pytest.mark.soak),
    ],
)
def test_a_disk_that_is_full_for_workers_ends_the_run_soon_and_says_why(tmp_path: Path, engine: str, full: str) -> None:
    """No worker was killed, and nothing is tried eight times; with room again the job ends right in one run."""
    project = Project.make(tmp_path / "shop", products(3 * SHARD), shard_rows=str(SHARD))
    (project.folder / "full").touch()
    began = time.monotonic()
    report = project.run(faults=[{"match": full, "do": "full"}], engine=engine)
    assert report["status"] == "failed"
    assert "the store can't be used: writing " in report["error"]
    assert "no space is left" in report["error"]
    assert "make room" in report["help"]
    assert max(len(project.objects(f"*/started/{group}/000000-*.json")) for group in ("00", "01")) <= 3
    assert time.monotonic() - began < 120
    (project.folder / "full").unlink()
    assert project.run(engine=engine)["status"] == "done"
    assert len(project.rows()) == 3 * SHARD


def test_a_worker_that_fails_by_itself_is_not_called_killed_and_says_why(tmp_path: Path) -> None:
    """It lacks the package for the store, say: no look at the machine's memory would help."""
    project = Project.make(tmp_path / "shop", products(20))
    report = project.run(faults=[{"do": "lack"}])
    assert report["status"] == "failed"
    assert report["error"] == "a worker failed: ImportError: No module named 'the_bucket'"
    assert "run it again" in report["help"]
    assert project.run()["status"] == "done"


@pytest.mark.parametrize(
    "error", [StoreError("writing x: the disk is full", help='make "room"'), Fenced("taken over\nby another"), Crashed("gone")]
)
def test_a_workers_error_is_heard_through_what_beam_makes_of_it(error: DarnerError) -> None:
    """Quoted, indented, in the middle of other text; and what has none in it is a death."""
    text = repr(f"Traceback of a worker:\n  RuntimeError: {passed_on(error)} [while running 'group 0']")
    found = heard(RuntimeError(f"bundle failed: {text}"))
    assert found is not None
    assert type(found) is type(error)
    assert (found.message, found.help) == (error.message, error.help)
    assert heard(RuntimeError("Worker subprocess exited with return code -9")) is None
