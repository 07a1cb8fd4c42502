"""Runs that were never finished: gone on with, or taken as knowledge; nothing paid twice, nothing left behind in the sink."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.connectors.memory.table import Memory
from darner.runtime.batch.history import newest_manifest
from darner.runtime.failures import Corrupt, Missing
from darner.runtime.journal import paths

from .workshop import Shop, item, rows, shop

FEED = [item(f"k{number}") for number in range(30)]


class Untouchable(Memory):
    """A source that must not be read."""

    def ranges(self) -> list[object]:  # type: ignore[override] # it never gets so far
        """Fail."""
        msg = "the source was read again"
        raise AssertionError(msg)


def interrupted(folder: Path, *, sink: bool) -> Shop:
    """Return a job that was killed after two of its three shards."""
    made = shop(folder, job={"checkpoint_rows": 10})
    work = made.plan(rows(*FEED))
    assert work.shards == (10, 10, 10)
    made.carry_out(work, [0, 1], sink=sink)
    return made


def test_an_unfinished_plan_of_work_is_gone_on_with_and_the_source_is_not_read_again(tmp_path: Path) -> None:
    """The next driver start gets the same plan of work, under the generation that planned it."""
    made = interrupted(tmp_path, sink=False)
    work = made.plan(Untouchable())
    assert (work.generation, made.generation) == (1, 2)
    with pytest.raises(Missing, match="shard 2"):
        made.finish(work)
    made.carry_out(work, [2])
    assert made.finish(work).live == 30
    assert made.plan(rows(*FEED)).nothing_to_do


def test_what_was_done_under_a_plan_that_changed_is_not_done_again(tmp_path: Path) -> None:
    """The second stage's code changed after the crash: the first stage is called only for what it had not done."""
    made = interrupted(tmp_path, sink=False)
    made.code["enrich"] = "2"
    made.run(rows(*FEED))
    assert made.called == {"normalise": [f"k{number}" for number in range(20, 30)], "enrich": [f"k{number}" for number in range(30)]}


def test_a_damaged_leftover_is_done_again(tmp_path: Path) -> None:
    """A part with one flipped byte is knowledge that isn't there."""
    made = interrupted(tmp_path, sink=False)
    name = paths.part("shop", 1, "normalise", 0)
    content = bytearray(made.store.get(name))
    content[len(content) // 2] ^= 1
    made.store.put(name, bytes(content))
    made.code["enrich"] = "2"
    made.run(rows(*FEED))
    assert made.called["normalise"] == [f"k{number}" for number in (*range(10), *range(20, 30))]


def test_rows_that_an_unfinished_run_wrote_are_deleted_when_the_feed_lost_them(tmp_path: Path) -> None:
    """No manifest knows them, but the sink may have them."""
    made = interrupted(tmp_path, sink=True)
    made.code["enrich"] = "2"
    work = made.plan(rows(*FEED[5:]), allow_deletes=5)
    assert work.deletes == tuple(f"k{number}" for number in range(5))


def test_a_row_that_went_back_to_its_old_version_is_written_again(tmp_path: Path) -> None:
    """An unfinished run put v2 into the sink; the feed is back at v1, which the manifest knows: v1 is written again."""
    made = shop(tmp_path)
    made.run(rows(item("a", "v1"), item("b")))
    made.carry_out(made.plan(rows(item("a", "v2"), item("b"))))
    made.code["enrich"] = "2"
    made.plan(rows(item("a", "v1"), item("b")))
    made.code["enrich"] = "1"
    work = made.plan(rows(item("a", "v1"), item("b")))
    assert (work.generation, work.redo, work.unchanged) == (4, 1, 1)
    made.carry_out(work)
    assert made.called == {"normalise": ["a"], "enrich": ["a"]}


def test_an_unfinished_run_that_never_reached_the_sink_leaves_nothing_to_put_right(tmp_path: Path) -> None:
    """Without an intent, the rows of a plan of work never got to the sink."""
    made = interrupted(tmp_path, sink=False)
    made.code["enrich"] = "2"
    assert made.plan(rows(*FEED[5:])).deletes == ()


def test_recording_a_run_twice_is_recording_it_once(tmp_path: Path) -> None:
    """A driver that was killed between row states and manifest records the same again."""
    made = shop(tmp_path)
    work = made.plan(rows(*FEED))
    made.carry_out(work)
    once = made.finish(work)
    made.store.delete(paths.manifest("shop", 1))
    assert made.finish(work) == once == made.finish(work)


def test_a_damaged_row_state_is_said_and_never_taken_as_nothing_known(tmp_path: Path) -> None:
    """One flipped byte in a delta: the next plan of work refuses to go on, rather than do and pay everything again."""
    made = shop(tmp_path)
    made.run(rows(*FEED))
    manifest = newest_manifest(made.store, "shop")
    assert manifest is not None
    name = manifest.rows["0"][0].name
    content = bytearray(made.store.get(name))
    content[len(content) // 2] ^= 1
    made.store.put(name, bytes(content))
    with pytest.raises(Corrupt, match="rows/0000"):
        made.plan(rows(*FEED))
