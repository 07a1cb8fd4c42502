"""What a plan of work decides: new, changed, to be redone, unchanged, gone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darner.compiler.lowering.plantext import from_text
from darner.connectors.memory.table import Memory
from darner.runtime.batch.history import newest_manifest
from darner.runtime.batch.parts import read_part
from darner.runtime.batch.planning.planning import plan_work
from darner.runtime.batch.why import why
from darner.runtime.batch.working.remembered import part_written
from darner.runtime.failures import Refused
from darner.runtime.journal import paths

from .workshop import Shop, item, rows, shop

ROW = st.fixed_dictionaries(
    {
        "id": st.integers(0, 40).map(str),
        "title": st.sampled_from(["a", "b", "", "é"]),
        "price": st.sampled_from([None, 0.0, -0.0, 1.5]),
        "stock": st.sampled_from([None, 1, 2]),
    }
)


def keys_of(made: Shop, work: Any) -> list[str]:
    """Return the keys of all shard inputs, in order."""
    return [str(key) for ref in work.inputs for key in read_part(made.store, ref)["_key"].to_pylist()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROW, max_size=50), st.lists(ROW, max_size=50))
def test_any_two_feeds_differ_as_two_dicts_do(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """New, changed, unchanged, superseded and deleted are what comparing two plain dicts gives."""
    with TemporaryDirectory() as folder:
        made = shop(Path(folder), sink={"max_deletes": "100%"}, job={"checkpoint_rows": 7})
        made.run(Memory(rows=before, name="feed", key="id", batch_rows=9))
        work = made.run(Memory(rows=after, name="feed", key="id", batch_rows=9))
        old, new = ({row["id"]: row for row in feed} for feed in (before, after))
        assert work.new == len(new.keys() - old.keys())
        assert work.changed == sum(old[key] != new[key] for key in old.keys() & new.keys())
        assert work.unchanged == sum(old[key] == new[key] for key in old.keys() & new.keys())
        assert work.superseded == len(after) - len(new)
        assert set(work.deletes) == old.keys() - new.keys()
        wanted = {key for key in new if old.get(key) != new[key]}
        assert sorted(keys_of(made, work)) == sorted(wanted)
        assert all(count <= 7 for count in work.shards)
        manifest = newest_manifest(made.store, "shop")
        assert (manifest.live if manifest else 0) == len(new)
        assert made.plan(Memory(rows=after, name="feed", key="id")).nothing_to_do


def test_rows_are_done_in_the_order_of_the_source(tmp_path: Path) -> None:
    """A shard is so many consecutive changed rows, not rows shuffled by hash."""
    made = shop(tmp_path, job={"checkpoint_rows": 100})
    work = made.plan(rows(*(item(f"k{number}") for number in range(250))))
    assert keys_of(made, work) == [f"k{number}" for number in range(250)]
    assert work.shards == (100, 100, 50)


def test_the_last_of_equal_keys_wins_and_the_others_are_counted(tmp_path: Path) -> None:
    """Of equal keys, the one that stands last in the source is the row."""
    made = shop(tmp_path)
    work = made.plan(rows(item("a", "first"), item("b"), item("a", "last")))
    assert work.superseded == 1
    assert read_part(made.store, work.inputs[0])["title"].to_pylist() == ["a thing", "last"]


def test_a_price_change_does_not_redo_what_reads_the_title(tmp_path: Path) -> None:
    """Only stages that read the changed field are called; the row still goes through, with the new price."""
    made = shop(tmp_path, {"enrich": ("title",)}, carries=frozenset({"enrich"}))
    made.run(rows(item("a"), item("b")))
    work = made.run(rows(item("a", price=2.0), item("b")))
    assert (work.changed, work.unchanged) == (1, 1)
    assert made.called == {"enrich": []}
    assert read_part(made.store, work.inputs[0])["price"].to_pylist() == [2.0]


def test_a_changed_stage_is_redone_for_all_rows_and_those_before_it_for_none(tmp_path: Path) -> None:
    """New code in the second stage: each row is redone there, and served from its stored outcome before."""
    made = shop(tmp_path)
    feed = rows(item("a"), item("b"))
    made.run(feed)
    made.code["enrich"] = "2"
    work = made.run(feed)
    assert (work.redo, work.changed, work.new) == (2, 0, 0)
    assert made.called == {"normalise": [], "enrich": ["a", "b"]}


def test_rows_that_an_unchanged_stage_filtered_are_not_redone_for_a_later_change(tmp_path: Path) -> None:
    """A filtered row never reached the stage that changed."""
    made = shop(tmp_path, filters=frozenset({"a"}))
    feed = rows(item("a"), item("b"))
    made.run(feed)
    made.code["enrich"] = "2"
    work = made.run(feed)
    assert (work.redo, work.unchanged) == (1, 1)
    made.code["normalise"] = "2"
    assert made.run(feed).redo == 2


def test_dead_rows_are_redone_when_their_input_changes_or_they_are_retried(tmp_path: Path) -> None:
    """A dead row that nothing changed for stays dead; `retry` and a new version wake it."""
    made = shop(tmp_path, dies=frozenset({"a"}))
    feed = rows(item("a"), item("b"))
    made.run(feed)
    assert made.run(feed).nothing_to_do
    assert made.dry(feed, retry_dead=True).redo == 1
    assert made.dry(rows(item("a", "better"), item("b"))).changed == 1
    assert made.plan(feed, retry_dead=True).redo == 1


def test_a_dead_row_keeps_what_is_known_of_its_last_good_version(tmp_path: Path) -> None:
    """It dies with a new version; back at the old one, nothing is paid again."""
    made = shop(tmp_path, {"enrich": ("title",)})
    made.run(rows(item("a", "good")))
    made.dies = frozenset({"a"})
    made.run(rows(item("a", "bad")))
    made.dies = frozenset()
    work = made.run(rows(item("a", "good")))
    assert work.changed == 1
    assert made.called == {"enrich": []}


def test_an_empty_feed_on_a_second_run_is_stopped_before_anything_is_written(tmp_path: Path) -> None:
    """The guard names the share, the loss and what to say to go on; afterwards everything is as it was."""
    made = shop(tmp_path)
    made.run(rows(item("a"), item("b")))
    before = made.store.names("jobs")
    with pytest.raises(Refused, match="is empty: 2 of 2 known rows are gone") as found:
        made.plan(rows())
    assert "--allow-deletes 2" in str(found.value.help)
    assert made.store.names("jobs") == sorted([*before, paths.generation_claim("shop", 2)])
    assert made.plan(rows(), allow_deletes=2).deletes == ("a", "b")


def test_the_guard_is_a_share_of_the_known_rows(tmp_path: Path) -> None:
    """Five of a hundred may go, six may not."""
    made = shop(tmp_path)
    made.run(rows(*(item(str(number)) for number in range(100))))
    with pytest.raises(Refused, match="6 of 100 known rows"):
        made.plan(rows(*(item(str(number)) for number in range(94))))
    assert len(made.run(rows(*(item(str(number)) for number in range(95)))).deletes) == 5
    manifest = newest_manifest(made.store, "shop")
    assert manifest is not None
    assert manifest.live == 95


def test_deletes_that_are_to_be_kept_are_none(tmp_path: Path) -> None:
    """`deletes: keep` leaves what is gone from the feed."""
    made = shop(tmp_path, sink={"deletes": "keep"})
    made.run(rows(item("a"), item("b")))
    assert made.plan(rows()).nothing_to_do


def test_a_feed_of_changes_deletes_only_what_it_marks(tmp_path: Path) -> None:
    """`snapshot: changes` says nothing about rows that it doesn't name; `deleted` names those that go."""
    made = shop(tmp_path, dataset={"snapshot": "changes", "deleted": "gone"}, sink={"max_deletes": "50%"})
    feed = [{**item(key), "gone": False} for key in "abc"]
    made.run(rows(*feed))
    work = made.run(rows({"id": "b", "title": None, "price": None, "stock": None, "gone": True}, {**item("d"), "gone": False}))
    assert (work.new, work.deletes, work.unchanged, work.broken) == (1, ("b",), 0, 0)
    assert made.run(rows({**item("b"), "gone": True})).nothing_to_do
    assert made.run(rows({**item("b"), "gone": False})).new == 1


def test_a_sink_that_is_replaced_gets_all_rows_again_when_any_changed(tmp_path: Path) -> None:
    """`mode: replace`: unchanged rows go through too, without a call; where nothing changed, nothing is done."""
    made = shop(tmp_path, sink={"mode": "replace"})
    made.run(rows(item("a"), item("b")))
    work = made.run(rows(item("a"), item("b", "other")))
    assert (work.changed, work.unchanged, work.shards) == (1, 1, (2,))
    assert made.called["normalise"] == ["b"]
    assert made.run(rows(item("a"), item("b", "other"))).nothing_to_do


def test_a_dry_run_counts_rows_by_stage_and_writes_nothing(tmp_path: Path) -> None:
    """Which stages would be called for how many rows is known without calling any."""
    made = shop(tmp_path, {"enrich": ("title",), "embed": ()}, carries=frozenset({"enrich"}))
    feed = [item("a"), item("b"), item("c")]
    made.run(rows(*feed))
    before = made.store.names("jobs")
    dry = made.dry(rows(item("a", price=9.0), item("b", "other"), item("c"), item("d")))
    assert (dry.new, dry.changed, dry.unchanged) == (1, 2, 1)
    assert [(one.stage, one.run, one.reused, one.uncertain) for one in dry.stages] == [("enrich", 2, 1, 0), ("embed", 3, 0, 0)]
    assert made.store.names("jobs") == before


def test_a_dry_run_says_what_it_can_not_know(tmp_path: Path) -> None:
    """A stage that reads some fields of rows made anew may turn out to have equal input; that is said, not guessed."""
    made = shop(tmp_path)
    made.run(rows(item("a"), item("b")))
    dry = made.dry(rows(item("a", price=2.0), item("b")))
    assert [(one.stage, one.run, one.reused, one.uncertain) for one in dry.stages] == [("normalise", 1, 0, 0), ("enrich", 1, 0, 1)]


@pytest.mark.soak
def test_partitions_split_when_rows_grow_and_nothing_is_forgotten(tmp_path: Path) -> None:
    """A job that grew from one partition to four still knows every row."""
    made = shop(tmp_path, {"enrich": ("title",)}, job={"checkpoint_rows": 65536})
    small = rows(*(item(str(number)) for number in range(1000)))
    made.run(small)
    large = rows(*(item(str(number)) for number in range(140_000)))
    work = made.run(large)
    assert (work.partitions, work.new, work.unchanged) == (4, 139_000, 1000)
    assert made.run(large).nothing_to_do
    manifest = newest_manifest(made.store, "shop")
    assert manifest is not None
    assert manifest.live == 140_000
    filled = [refs[0].rows for refs in manifest.rows.values()]
    assert min(filled) > 0.9 * 35_000, "keys that count up must spread evenly"


def test_deltas_are_merged_and_what_nobody_names_is_removed(tmp_path: Path) -> None:
    """Never more than five deltas a partition; rows, parts and inputs of runs that are over don't pile up."""
    made = shop(tmp_path)
    for turn in range(12):
        made.run(rows(item("a", f"title {turn}"), item("b", f"title {turn // 20}")))
        manifest = newest_manifest(made.store, "shop")
        assert manifest is not None
        assert len(manifest.rows["0"]) <= 5
    parts = {name.split("/")[2] for name in made.store.names("jobs/shop") if "/parts/" in name}
    assert parts <= {f"{number:06d}" for number in (1, *range(7, 13))}, "b still stands in the first part"
    for key in ("a", "b"):
        for stage in why(made.store, "shop", key).stages:
            assert stage.place is not None
            assert part_written(made.store, stage.place.partition("#")[0]) is not None, "what a row names must be there, with its checksum"
    assert made.run(rows(item("a", "title 11"), item("b", "title 0"))).nothing_to_do
    made.code["enrich"] = "2"
    made.run(rows(item("a", "title 11"), item("b", "title 0")))
    assert made.called == {"normalise": [], "enrich": ["a", "b"]}


def test_a_stage_that_makes_several_rows_of_one_is_refused(tmp_path: Path) -> None:
    """Explode is refused by name, before the source is read."""
    made = shop(tmp_path)
    call = made.call()
    stage = call.plan.stages["enrich"].model_copy(update={"shape": "explode"})
    plan = call.plan.model_copy(update={"stages": {**call.plan.stages, "enrich": stage}})
    with pytest.raises(Refused, match="'enrich' makes several rows of one"):
        plan_work(replace(call, plan=plan), rows(item("a")), 1)


def test_the_plan_of_work_can_be_read_by_people(tmp_path: Path) -> None:
    """``work.json`` is one JSON object with the counts under their names."""
    made = shop(tmp_path)
    made.plan(rows(item("a")))
    found = json.loads(made.store.get(paths.work("shop", 1)))
    assert (found["new"], found["shards"], found["job"]) == (1, [1], "shop")


def test_a_plan_of_work_says_for_which_plan_it_was_made(tmp_path: Path) -> None:
    """The full plan stands beside it, so that what a job did can still be read after the spec has changed."""
    made = shop(tmp_path)
    work = made.plan(rows(item("a")))
    written = made.store.get(paths.work_plan("shop", work.generation)).decode()
    assert from_text(written) == made.call().plan
