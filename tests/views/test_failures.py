"""What failures cost: of a run, and by week, spec and class over a store."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from darner.runtime.events import CallStarted, TakenUp
from darner.runtime.journal import paths
from darner.runtime.journal.log import open_log
from darner.runtime.journal.store import open_store

from .desk import Desk


def test_a_run_says_at_its_end_what_failures_cost_and_shows_each(desk: Desk) -> None:
    """One line for people, an object for scripts; nothing is said where nothing failed."""
    assert desk.trip(["Oslo", "Rome?", "Lima?"], "--json") == 1
    assert "failed attempts: 2 (2 error), which cost 0 tokens, 0.00 USD, 0.0 minutes" in desk.err
    told = desk.json()["failures"]
    assert (told["attempts"], told["calls"], told["tokens"], told["cost"], list(told["classes"])) == (2, 2, 0, "0", ["error"])
    assert desk("show", "r1", "--failures") == 0
    head, titles, error, *rest = desk.out.splitlines()
    assert head.startswith("r1  failed")
    assert titles.split() == ["class", "attempts", "calls", "spent", "waited", "tokens", "money", "questions"]
    assert error.split()[:3] == ["error", "2", "2"]
    assert any("prices[1]" in line and "trip.yaml" in line for line in rest)
    assert sum("tool price failed with error: " in line for line in rest) == 2
    tried = desk.asked("show", "r1", "--failures")["failures"]["tried"]
    assert [(one["step"], one["name"], one["failure"], one["final"]) for one in tried] == [
        ("prices[1]", "price", "error", True), ("prices[2]", "price", "error", True),
    ]  # fmt: skip
    assert desk.trip(["Oslo"], "--json", run="r2") == 0
    assert "failures" not in desk.json()
    assert "failed attempts" not in desk.err


def test_what_failures_cost_is_summed_by_week_spec_and_class(desk: Desk) -> None:
    """Runs that left word aren't read again; one that is not over counts, and so does the attempt that its end cut off."""
    assert desk("failures") == 0
    assert "nothing has failed" in desk.err
    for run, towns in (("r1", ["Oslo"]), ("r2", ["Rome?"]), ("r3", ["Rome?", "Lima?"])):
        desk.trip(towns, run=run)
    _unreadable(desk, "r2")
    told = desk.asked("failures")
    assert [(one["spec"], one["class"], one["attempts"], one["calls"]) for one in told["rows"]] == [("trip", "error", 3, 3)]
    assert told["damaged"] == []
    began = CallStarted(at=1_800_000_000.0, call="c", parent="towns", what="callable", name="n", attempt=1)
    with closing(open_log(open_store(desk.store), "r3", owner="somebody")) as log:
        log.append([TakenUp(at=1_800_000_000.0, epoch=2, owner="somebody"), began])
        log.append([TakenUp(at=1_800_000_009.0, epoch=3, owner="somebody")])
    rows = desk.asked("failures")["rows"]
    assert [(one["week"], one["class"], one["attempts"]) for one in rows if one["week"] == "2027-W02"] == [("2027-W02", "crashed", 1)]
    assert sum(one["attempts"] for one in rows) == 4
    assert desk("failures", "--spec", "trip") == 0
    assert desk.out.splitlines()[0].split()[:4] == ["week", "spec", "class", "attempts"]
    assert desk("failures", "--spec", "trap") == 2
    assert desk.asked("failures", "--weeks", "1")["rows"] == rows


def test_a_damaged_run_hides_no_other(desk: Desk) -> None:
    """It is named, and what the others say is counted."""
    desk.trip(["Rome?"], run="r1")
    desk.trip(["Rome?"], run="r2")
    _unreadable(desk, "r1")
    Path(desk.store, paths.run_standing("r1")).unlink()
    told = desk.asked("failures")
    assert (told["damaged"], sum(one["attempts"] for one in told["rows"])) == (["r1"], 1)


def _unreadable(desk: Desk, run: str) -> None:
    """Damage a journal so that only whoever reads it can notice."""
    journal = Path(desk.store, paths.journal_file(run))
    told = journal.stat()
    journal.write_bytes(b"\xff" * told.st_size)
    os.utime(journal, ns=(told.st_atime_ns, told.st_mtime_ns))
