"""Memory ladders of jobs, climbed by stages that really allocate: what is repeated, what is remembered, what the driver needs."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from .jobs import STAGES, Project, products

SHARD = 100
BASE, SMALL, LARGE = 1, SHARD + 1, 3 * SHARD + 1
"""Rows that stand second in their shards: in the first, in one that needs the second rung, and in one that needs the third."""
LADDER = "  cpu: {memory: 256Mi, on_oom: [{memory: 512Mi}, {memory: 1Gi}]}"
STAGE = "{name: normalise, use: 'shop:normalise', resources: cpu, on_failure: {exhausted: {then: skip}}}"
MIB = 1 << 20


def _rungs(project: Project, generation: int) -> list[int]:
    return [json.loads(path.read_text()).get("rung", 0) for path in project.objects(f"{generation:06d}/markers/00/*.json")]


def _calls(project: Project) -> Counter[str]:
    return Counter((project.folder / "trace").read_text().split())


def _resident(driver: Any) -> list[int]:
    """Return the driver's resident sizes from the first wave to its end, in bytes."""
    found, process = [], psutil.Process(driver.pid)
    while driver.poll() is None:
        try:
            if process.children():
                found.append(process.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.02)
    return found


def test_only_what_ran_out_of_memory_is_repeated_and_the_next_run_begins_on_the_rung_that_was_needed(tmp_path: Path) -> None:
    """256Mi, 512Mi, 1Gi: two shards climb, each row of theirs before the large one is called again, no other row is.

    The driver holds none of it. The next run begins on the third rung, and calls every row once; a row for which that is too
    little costs what is said of `exhausted`, since nothing is said of `oom`: its shard's rows are left out.
    """
    feed = products(6 * SHARD, big220=[SMALL], big700=[LARGE])
    project = Project.make(tmp_path / "shop", feed, stages=[STAGE, *STAGES[1:]], resources=LADDER, shard_rows=str(SHARD))
    driver = project.start()
    resident = _resident(driver)
    out, err = driver.communicate(timeout=280)
    assert json.loads(out)["status"] == "done", (out, err)
    assert _rungs(project, 1) == [0, 1, 0, 2, 0, 0]
    again = {f"p{number:06d}": times for number, times in ((SHARD, 2), (SMALL, 2), (3 * SHARD, 3), (LARGE, 3))}
    assert {sku: times for sku, times in _calls(project).items() if times > 1} == again
    assert len(_calls(project)) == 6 * SHARD
    assert max(resident) - resident[0] < 100 * MIB, "the stage held 700 MiB"
    for row in feed:
        row["price"] += 1
    feed[-1]["title"] = "big1400"
    project.feed(feed)
    report = project.run()
    assert (report["status"], report["dead"], report["stages"]["normalise"]["filtered"]) == ("done", 0, SHARD)
    assert _rungs(project, 2)[:5] == [2] * 5
    assert Counter(_calls(project).values()) == Counter({2: 6 * SHARD - 4, 3: 2, 4: 2})
    assert len(project.rows()) == 5 * SHARD


def test_a_device_that_is_too_small_for_a_batch_gets_smaller_ones_for_that_shard_alone(tmp_path: Path) -> None:
    """Batches of 64, 16, 4: what a shard's batches gave before one was too large is kept, and not computed on the next rung."""
    heavy = range(SHARD + 64, SHARD + 76)
    stages = [STAGES[0], "{name: embed, use: 'shop:DeviceEmbedder', with: {rows: 100}, batch: 64, resources: device}"]
    ladder = "  device: {memory: 1Gi, on_oom: [{batch: 16}, {batch: 4}]}"
    project = Project.make(tmp_path / "shop", products(3 * SHARD, heavy=heavy), stages=stages, resources=ladder, shard_rows=str(SHARD))
    report = project.run()
    assert (report["status"], report["written"]) == ("done", 3 * SHARD), report
    markers = [json.loads(path.read_text()) for path in project.objects("*/markers/01/*.json")]
    assert [(one.get("rung", 0), one["attempt"]) for one in markers] == [(0, 1), (2, 3), (0, 1)]
    batches = [line.split() for line in (project.folder / "embedded").read_text().splitlines()]
    assert Counter(map(len, batches)) == Counter({64: 3, 36: 3, 16: 1, 4: 9})
    calls = Counter(sku for batch in batches for sku in batch)
    again = {f"p{number:06d}": 3 if number < SHARD + 80 else 2 for number in range(SHARD + 64, 2 * SHARD)}
    assert {sku: times for sku, times in calls.items() if times > 1} == again
