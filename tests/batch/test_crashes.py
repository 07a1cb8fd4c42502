"""kill -9 of drivers, workers and children, at every kind of boundary and at random: the same sink, nothing twice, nothing lost."""

from __future__ import annotations

import contextlib
import json
import random
import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from .jobs import Project, products

SHARD = 400
ENGINES = ("multi_threading", "multi_processing")
OURS = r"processes\.child|beam_worker"
BOUNDARIES = (  # one after the other in one job: the second sink commit is there because the first one was killed
    ("after", r"/started/00/000000"),
    ("after", r"/parts/normalise/000001"),
    ("before", r"/markers/00/000002"),
    ("after", r"/markers/01/000002"),
    ("after", r"/sink/000000\.intent"),
    ("before", r"/sink/000001\.done"),
    ("before", r"/manifest\.json"),
)
ALONE = (
    ("before", r"/in/000003"),
    ("after", r"/work\.json"),
    ("after", r"/started/00/000000"),
    ("after", r"/parts/normalise/000001"),
    ("after", r"/parts/normalise/000002"),
    ("before", r"/markers/00/000002"),
    ("after", r"/markers/00/000003"),
    ("before", r"/parts/embed/000001"),
    ("after", r"/markers/01/000002"),
    ("before", r"/sink/000000\.intent"),
    ("after", r"/sink/000000\.intent"),
    ("before", r"/sink/000000\.done"),
    ("after", r"/sink/000000\.done"),
    ("before", r"/manifest\.json"),
    ("after", r"/manifest\.json"),
)


def _check_boundaries(tmp_path: Path, boundaries: Sequence[tuple[str, str]]) -> None:
    rows = products(5 * SHARD, drop=[77, 1234])
    undisturbed = Project.make(tmp_path / "undisturbed", rows, shard_rows=str(SHARD))
    undisturbed.run()
    project = Project.make(tmp_path / "shop", rows, shard_rows=str(SHARD))
    for when, match in boundaries:
        assert project.run(faults=[{"when": when, "match": match, "do": "kill-driver"}]) == {"killed": True}, (when, match)
    assert project.run()["status"] == "done"
    assert project.digest() == undisturbed.digest()
    assert project.processed() <= len(rows) + len(boundaries) * SHARD


def test_a_kill_at_every_kind_of_boundary_costs_at_most_one_shard_and_changes_nothing(tmp_path: Path) -> None:
    """One job, its driver killed at one boundary after the other, each time gone on with."""
    _check_boundaries(tmp_path, BOUNDARIES)


def test_a_shard_that_dies_with_its_driver_is_counted_as_crashed(tmp_path: Path) -> None:
    """It left no marker: the next driver knows from its start that it was under way, and says so at its end."""
    project = Project.make(tmp_path / "shop", products(20))
    assert project.run(faults=[{"when": "after", "match": r"/started/01/000000", "do": "kill-driver"}]) == {"killed": True}
    report = project.run()
    assert (report["status"], report["failures"]["crashed"]["attempts"], report["failures"]["crashed"]["calls"]) == ("done", 1, 1)


@pytest.mark.soak
@pytest.mark.parametrize("place", range(len(ALONE)))
def test_a_kill_at_any_boundary_costs_at_most_one_shard_and_changes_nothing(tmp_path: Path, place: int) -> None:
    """Each boundary as the only one."""
    _check_boundaries(tmp_path, ALONE[place : place + 1])


def test_a_child_that_is_killed_at_its_parts_is_replaced_within_the_run(tmp_path: Path) -> None:
    """Before one part and after another: the shard is done again by a new process, and nothing is written twice."""
    project = Project.make(tmp_path / "shop", products(3 * SHARD), shard_rows=str(SHARD))
    faults = [
        {"when": "before", "match": r"/parts/normalise/000001", "do": "kill-self"},
        {"when": "after", "match": r"/parts/classify/000002", "do": "kill-self"},
    ]
    report = project.run(faults=faults)
    assert (report["status"], report["written"]) == ("done", 3 * SHARD)
    assert [row["title"] for row in project.rows()] == [f"product {number}" for number in range(3 * SHARD)]
    assert project.processed() == 4 * SHARD


def _kill_someone(driver: Any, chance: random.Random) -> str:
    """Kill the driver, or a worker or child below it."""
    below = [one for one in psutil.Process(driver.pid).children(recursive=True) if re.search(OURS, " ".join(one.cmdline()))]
    if below and chance.random() < 0.5:
        victim = chance.choice(below)
        name = "child" if any("perform.processes.child" in word for word in victim.cmdline()) else "worker"
        victim.kill()
        return name
    driver.kill()
    return "driver"


def _killed_at_random(project: Project, kills: int, chance: random.Random, engine: str, most: int) -> list[str]:
    """Run until done, killing ``kills`` times, each a moment after up to ``most`` rows more were begun; return who was killed."""
    done: list[str] = []
    while True:
        driver = project.start(engine=engine)
        while len(done) < kills and driver.poll() is None:
            wanted = project.processed() + chance.randint(0, most)
            while project.processed() < wanted and driver.poll() is None:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.03))
            if driver.poll() is None:
                try:
                    done.append(_kill_someone(driver, chance))
                except psutil.Error:
                    continue
        out, err = driver.communicate(timeout=280)
        assert "Traceback" not in err
        if driver.returncode == 0:
            report = json.loads(out)
            assert report["status"] == "done", report
            return done
        assert driver.returncode == -signal.SIGKILL, err


def _check_random_kills(tmp_path: Path, engine: str, *, rows: int, shard: int, kills: int) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    feed = products(rows, drop=range(5, rows, 1000))
    project = Project.make(tmp_path / "shop", feed, shard_rows=str(shard))
    # So that the last kill comes while there is work left, however fast the machine is.
    killed = _killed_at_random(project, kills, chance, engine, rows // (2 * kills))
    assert len(killed) == kills, (seed, killed)
    found = project.rows()
    assert [row["sku"] for row in found] == [row["sku"] for row in feed if row["title"] != "drop"], (seed, killed)
    assert all(row["title"] == f"product {int(row['sku'][1:])}" for row in found)
    assert project.processed() <= rows + len(killed) * 2 * shard, (seed, killed)


@pytest.mark.parametrize("engine", ["multi_threading", pytest.param("multi_processing", marks=pytest.mark.soak)])
def test_random_kills_of_drivers_workers_and_children_lose_and_repeat_nothing(tmp_path: Path, engine: str) -> None:
    """Six kills of a job of 12,000 rows with two workers; the seed is shown when it fails."""
    _check_random_kills(tmp_path, engine, rows=12_000, shard=600, kills=6)


@pytest.mark.soak
def test_a_worker_that_is_killed_before_it_says_a_word_is_not_waited_for(tmp_path: Path) -> None:
    """Beam waits for such a worker for ever; the wave is given up, and the next one does its shards."""
    project = Project.make(tmp_path / "shop", products(12 * SHARD), shard_rows=str(SHARD))
    driver = project.start(engine="multi_processing")
    _killed_when_seen(driver)
    out, err = driver.communicate(timeout=240)
    assert driver.returncode == 0, err
    assert json.loads(out)["written"] == 12 * SHARD, out
    assert len(project.rows()) == 12 * SHARD


def _killed_when_seen(driver: Any) -> None:
    """Kill the first Beam worker as soon as there is one."""
    while driver.poll() is None:
        for one in psutil.Process(driver.pid).children():
            with contextlib.suppress(psutil.Error):
                if any("beam_worker" in word for word in one.cmdline()):
                    one.kill()
                    return
    raise AssertionError("there was no worker to kill")


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("engine", ENGINES)
def test_twenty_random_kills_of_a_quarter_of_a_million_rows_lose_and_repeat_nothing(tmp_path: Path, engine: str) -> None:
    """The same, large."""
    _check_random_kills(tmp_path, engine, rows=250_000, shard=4096, kills=20)


def _processes_of(folder: Path) -> list[int]:
    found = []
    for one in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(one.info["cmdline"] or [])
        if re.search(OURS, words) and one.info["cwd"] == str(folder):
            found.append(one.pid)
    return found


def test_nothing_outlives_a_driver_that_is_killed(tmp_path: Path) -> None:
    """Beam's workers go on for seconds by themselves; ours and their children are gone within two."""
    project = Project.make(tmp_path / "shop", products(12_000), shard_rows="300")
    driver = project.start(engine="multi_processing")
    while not project.objects("*/markers/00/*.json"):
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.05)
    assert _processes_of(project.folder)
    driver.kill()
    driver.communicate()
    time.sleep(2)
    assert _processes_of(project.folder) == []
    done = project.processed()
    time.sleep(1)
    assert project.processed() == done


@pytest.mark.parametrize(
    ("stage", "damage"),
    [
        ("normalise", "flip"),
        pytest.param("embed", "truncate", marks=pytest.mark.soak),
        pytest.param("embed", "remove", marks=pytest.mark.soak),
    ],
)
def test_a_damaged_part_is_found_by_its_checksum_and_made_again(tmp_path: Path, stage: str, damage: str) -> None:
    """Between two groups, and before the sink: never used as it is, never the end of the run."""
    project = Project.make(tmp_path / "shop", products(3 * SHARD), shard_rows=str(SHARD))
    match = r"/started/01/000000" if stage == "normalise" else r"/sink/000000\.intent"
    project.run(faults=[{"when": "before", "match": match, "do": "kill-driver"}])
    (part,) = project.objects(f"*/parts/{stage}/000001.arrow")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "remove":
        part.unlink()
    else:
        part.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    report = project.run()
    assert report["status"] == "done", report
    assert [row["title"] for row in project.rows()] == [f"product {number}" for number in range(3 * SHARD)]
    assert project.processed() == (4 if stage == "normalise" else 3) * SHARD


def test_a_damaged_shard_input_ends_the_run_with_its_name(tmp_path: Path) -> None:
    """There is nothing to make it from again but the source, and that may have changed."""
    project = Project.make(tmp_path / "shop", products(2 * SHARD), shard_rows=str(SHARD))
    project.run(faults=[{"when": "after", "match": r"/work\.json", "do": "kill-driver"}])
    (part,) = project.objects("*/in/000001.arrow")
    part.write_bytes(part.read_bytes()[:-100])
    report = project.run()
    assert report["status"] == "failed"
    assert "in/000001.arrow" in report["error"]
