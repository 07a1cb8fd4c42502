"""Machines that are taken away from a job: what was made is kept, what was under way is done elsewhere, nothing is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from darner.testing import preempt

from .jobs import STAGES, Project, products
from .stall import Stall

ROWS = 60


def _until(condition: Callable[[], Any], driver: Any) -> Any:
    """Return what a condition gives as soon as it holds."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.02)
    raise AssertionError("it never came to that")


def _kept(folder: Path) -> list[str]:
    """Return the keys of the rows that flushes hold, each as often as it is there."""
    found: list[str] = []
    for path in sorted(folder.glob("jobs/*/*/flushed/*/*.arrow")):
        table = pa.ipc.open_file(pa.BufferReader(path.read_bytes()[32:])).read_all()
        found += map(str, table["_key"].to_pylist())
    return found


def _child(driver: Any) -> psutil.Process | None:
    """Return the process that computes rows."""
    for one in psutil.Process(driver.pid).children(recursive=True):
        try:
            if any("processes.child" in word for word in one.cmdline()):
                return one
        except psutil.Error:
            continue
    return None


def _at_work(project: Project, driver: Any, calls: int) -> psutil.Process:
    """Return the process that computes rows, once there were so many calls."""
    _until(lambda: project.processed() >= calls, driver)
    found: psutil.Process = _until(lambda: _child(driver), driver)
    return found


def _slow(folder: Path) -> Project:
    return Project.make(folder, products(ROWS, slow=range(ROWS)), stages=STAGES, shard_rows=str(ROWS))


@pytest.mark.soak
def test_a_killed_driver_costs_at_most_one_flush_of_a_slow_shard(tmp_path: Path) -> None:
    """One shard that takes seconds, killed -9 in the middle: exactly the rows that no flush held are computed again."""
    project = _slow(tmp_path / "shop")
    driver = project.start(flush=0.25)
    _until(lambda: len(set(_kept(project.folder / "store"))) > ROWS // 4, driver)
    child = _child(driver)
    driver.kill()
    driver.communicate()
    if child is not None:
        psutil.wait_procs([child], timeout=30)
    kept, called = _kept(project.folder / "store"), project.processed()
    assert len(set(kept)) == len(kept) < ROWS
    report = project.run(flush=0.25)
    assert (report["status"], report["written"]) == ("done", ROWS)
    assert report["stages"]["normalise"] == {"done": ROWS, "reused": 0, "filtered": 0, "dead": 0}
    assert project.processed() - called == ROWS - len(kept)
    assert [row["sku"] for row in project.rows()] == [f"p{number:06d}" for number in range(ROWS)]
    assert _kept(project.folder / "store") == [], "what is done needs no flushes"


@pytest.mark.soak
def test_what_a_shard_under_way_had_made_is_not_made_again_where_a_stage_behind_changes(tmp_path: Path) -> None:
    """Killed in the middle, then another `with` for the last stage, so another plan of work: what was kept is served."""
    project = _slow(tmp_path / "shop")
    driver = project.start(flush=0.25)
    _until(lambda: len(set(_kept(project.folder / "store"))) > ROWS // 4, driver)
    driver.kill()
    driver.communicate()
    time.sleep(2)
    kept, called = set(_kept(project.folder / "store")), project.processed()
    project.spec["stages"] = project.spec["stages"].replace("dim: 3", "dim: 4")
    project.write()
    report = project.run(flush=0.25)
    assert (report["status"], report["written"]) == ("done", ROWS)
    assert report["stages"]["normalise"] == {"done": ROWS - len(kept), "reused": len(kept), "filtered": 0, "dead": 0}
    assert project.processed() - called == ROWS - len(kept)
    assert {len(row["vector"]) for row in project.rows()} == {4}
    assert _kept(project.folder / "store") == []


def test_a_child_that_is_asked_to_leave_hands_over_and_no_attempt_is_counted(tmp_path: Path) -> None:
    """Three times within one run: as often as a shard may crash. A row is called again only where it was interrupted."""
    project = _slow(tmp_path / "shop")
    driver = project.start()
    for times in range(1, 4):
        child = _at_work(project, driver, times * 8)
        assert preempt(child.pid, grace=30)
    out, err = driver.communicate(timeout=280)
    report = json.loads(out)
    assert (report["status"], report["written"], report["dead"]) == ("done", ROWS, 0), (report, err)
    assert project.processed() <= ROWS + 3
    marker = json.loads(project.objects("*/markers/00/000000.json")[0].read_text())
    assert marker["attempt"] == 4


def test_a_driver_whose_machine_is_taken_away_leaves_in_time_and_another_goes_on(tmp_path: Path) -> None:
    """SIGTERM, then SIGKILL: it exits with 130, says how to go on, and every row that it had finished is kept."""
    stall = Stall.make(tmp_path / "stall", [(f"s{number:03d}", "wait", "1.5") for number in range(ROWS)])
    driver = stall.start("run", "stall.yaml", "--engine", "in_memory")
    _until(lambda: stall.called() >= 8, driver)
    assert preempt(driver.pid, grace=60), "it was still there after its time of grace"
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "stopped; what was finished is kept. Go on with: darner run stall.yaml" in said
    called = stall.called()
    assert called - 1 <= len(_kept(stall.folder / "store")) <= called < ROWS
    assert stall.done()["outputs"]["written"] == ROWS
    assert stall.called() <= ROWS + 1
    assert len(stall.keys()) == ROWS


@pytest.mark.soak
def test_a_worker_whose_machine_is_taken_away_is_no_crash(tmp_path: Path) -> None:
    """Beam's worker process is told, four times: its shard is handed over, the wave ends, the next one goes on with it."""
    project = _slow(tmp_path / "shop")
    driver = project.start(engine="multi_processing")
    for times in range(1, 5):
        child = _at_work(project, driver, times * 8)
        worker = child.parent()
        assert worker is not None
        assert preempt(worker.pid, grace=60)
    out, err = driver.communicate(timeout=280)
    report = json.loads(out)
    assert (report["status"], report["written"], report["dead"]) == ("done", ROWS, 0), (report, err)
    assert project.processed() <= ROWS + 4


@pytest.mark.soak
def test_a_shard_that_kills_its_worker_goes_alone_and_is_given_up_after_two_killed_waves(tmp_path: Path) -> None:
    """A really SIGKILLed Beam worker: the others' rows are done, only this shard's are dead letters."""
    rows = products(300, **{"end-worker": [150]})
    project = Project.make(tmp_path / "shop", rows, shard_rows="100", dead_max="50%")
    report = project.run(engine="multi_processing")
    assert (report["status"], report["dead"], report["written"]) == ("done", 100, 200), report
    assert report["reasons"][0]["type"] == "crashed"
    called = (project.folder / "trace").read_text().count("p000150\n")
    assert 3 <= called <= 4
    assert report["failures"]["crashed"]["attempts"] >= called, "none left a marker, and each is counted"
