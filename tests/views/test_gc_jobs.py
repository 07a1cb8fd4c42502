"""`darner gc` and what old generations of jobs left."""

from __future__ import annotations

import json
from pathlib import Path

from darner.runtime.batch.attempts import JobLedger, Tried
from darner.runtime.batch.driving.sweep import leftovers
from darner.runtime.batch.sums import failures_of
from darner.runtime.journal import paths

from ..batch.stall import Stall, offers
from ..batch_planning.workshop import item, rows, shop

FEED = [item(f"k{number}") for number in range(30)]


def test_old_generations_of_a_job_are_cleared_and_the_newest_stays_whole(tmp_path: Path) -> None:
    """What drivers said to their workers goes, and a plan that was given up; the next run redoes nothing, and `why` still knows."""
    stall = Stall.make(tmp_path / "stall", offers(4))
    stall.done()
    stall.feed([*offers(4), ("s9", "new", "2.5")])
    stall.done()
    job = tmp_path / "stall/store/jobs/stall"
    # What a start leaves whose workers were told to stop, and whose plan of work was found damaged.
    for name in ("stop.json", "waiting.json", "given-up.json"):
        (job / "000001" / name).write_text("{}")
    (job / "000002/stop.json").write_text("{}")
    (job / "000002/parts/.0123456789abcdef.gone").mkdir(parents=True, exist_ok=True)
    told = json.loads(stall.darner("gc", "--dry", "--json").stdout)
    assert {f"jobs/stall/000001/{name}.json" for name in ("stop", "waiting", "given-up")} <= set(told["jobs"])
    assert all("/000001/" in name for name in told["jobs"])
    assert [Path(one).name for one in told["rest"]] == [".0123456789abcdef.gone"]
    assert (job / "000001/stop.json").exists()
    assert stall.darner("gc").returncode == 0
    assert json.loads(stall.darner("gc", "--json").stdout) == {"dry": False, "runs": [], "cache": [], "jobs": [], "rest": [], "bytes": 0}
    assert not (job / "000001/stop.json").exists()
    assert (job / "000002/stop.json").exists(), "the newest start may be at work in a bucket, where nobody can tell"
    before = stall.called()
    assert stall.done()["status"] == "done"
    assert stall.called() == before, "everything that the newest manifest needs is still there"
    assert stall.keys() == ["s000", "s001", "s002", "s003", "s9"]


def test_a_job_that_is_at_work_loses_nothing(tmp_path: Path) -> None:
    """What was computed under plans that were never finished is knowledge, whatever stands in older generations."""
    made = shop(tmp_path, job={"checkpoint_rows": 10})
    made.run(rows(*FEED[:20]))
    made.carry_out(made.plan(rows(*FEED)), [0])
    made.code["enrich"] = "2"
    made.carry_out(made.plan(rows(*FEED)), [1])
    before = made.store.names(paths.JOBS)
    for name in leftovers(made.store, "shop"):
        made.store.delete(name)
    assert made.store.names(paths.JOBS) == before
    made.called.clear()
    made.run(rows(*FEED))
    assert not made.called["normalise"], "both unfinished plans' results are still there"


def test_what_failures_cost_stays_when_a_generation_is_cleared_away(tmp_path: Path) -> None:
    """Of finished plans of work and of one that was never finished: the sums are the same before and after, by generation."""
    made = shop(tmp_path, job={"checkpoint_rows": 10})
    for number in range(1, 7):
        work = made.plan(rows(*FEED[: 4 * number]))
        ledger = JobLedger(made.store, "shop", work.generation)
        ledger.failed(Tried(0, 0, 1), "crashed", "failed", seconds=2.0**number)
        made.carry_out(work)
        if number == 2:
            made.code["enrich"] = "2"  # so another plan of work follows, and this one is given up
        else:
            made.finish(work)
    cleared = [number for number in range(1, 7) if not made.store.exists(paths.work("shop", number))]
    assert cleared == [1, 2, 3, 4]
    for name in leftovers(made.store, "shop"):
        made.store.delete(name)
    told = {number: {kind: one.seconds for kind, one in found.items()} for number, found in failures_of(made.store, "shop")}
    assert told == {number: {"crashed": 2.0**number} for number in range(1, 7)}
