"""What every sink does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from ..ports import GENERATION, SHARD
from .expect import (
    HOSTILE,
    SCHEMA,
    Row,
    bare,
    batches,
    content,
    expect,
    expect_equal,
    expect_refusal,
    opened,
    row,
    titles,
)

Factory = Callable[[], Any]
"""Gives a new, empty sink that is `Upsertable` and `Scannable`."""


def what_was_appended_is_scanned(make: Factory) -> None:
    """A scan gives the rows as they were written, nulls and odd names included, without the two marks."""
    sink = opened(make())
    rows = [row(f"k{place}", text) for place, text in enumerate(HOSTILE)] + [row("none", None)]
    expect_equal(sink.append(batches(*rows)), len(rows), "append miscounts")
    expect_equal(content(sink), bare(rows), "a scan differs from what was written")
    expect_equal(sink.count(), len(rows), "count differs from the scan")


def asked_for_columns_are_scanned(make: Factory) -> None:
    """A scan gives the columns asked for, in that order, the marks too where they are named."""
    sink = opened(make())
    sink.append(batches(row("a", "one", generation=3, shard=7)))
    found = [one for batch in sink.scan([SHARD, "key", GENERATION]) for one in batch.to_pylist()]
    expect_equal(found, [{SHARD: 7, "key": "a", GENERATION: 3}], "a scan gives other columns than asked for")
    expect_refusal(lambda: list(sink.scan(["nowhere"])), "a scan of a column that isn't there")


def an_append_that_is_done_again_leaves_no_duplicates(make: Factory) -> None:
    """Append, remove the shards, append again: each row is there once."""
    sink = opened(make())
    rows = [row(f"k{number}", shard=number % 2) for number in range(10)]
    sink.append(batches(*rows))
    sink.remove_shards(1, [0, 1])
    expect_equal(sink.count(), 0, "remove_shards left rows")
    sink.append(batches(*rows))
    expect_equal(content(sink), bare(rows), "an append that was done again differs")


def only_the_named_shards_go(make: Factory) -> None:
    """Removing shards of one generation leaves other shards and other generations."""
    sink = opened(make())
    rows = [row("a", shard=1), row("b", shard=2), row("c", generation=2, shard=1)]
    sink.append(batches(*rows))
    sink.remove_shards(1, [1])
    sink.remove_shards(9, [1, 2])
    expect_equal(sorted(titles(sink)), ["b", "c"], "remove_shards removed or left the wrong rows")


def an_upsert_inserts_and_replaces(make: Factory) -> None:
    """Rows of an equal or higher generation replace, new ones are added, others stay."""
    sink = opened(make())
    sink.append(batches(row("a", "old"), row("b", "old"), row("c", "old")))
    count = sink.upsert(batches(row("b", "equal"), row("c", "higher", generation=2), row("d", "new")), "key")
    expect_equal(count, 3, "upsert miscounts")
    expect_equal(titles(sink), {"a": "old", "b": "equal", "c": "higher", "d": "new"}, "an upsert went wrong")


def an_upsert_done_twice_is_as_done_once(make: Factory) -> None:
    """The same rows again change nothing."""
    sink = opened(make())
    rows = [row(f"k{place}", text) for place, text in enumerate(HOSTILE)]
    for _ in range(3):
        sink.upsert(batches(*rows), "key")
    expect_equal(content(sink), bare(rows), "an upsert that was done again differs")


def a_zombies_late_upsert_changes_nothing(make: Factory) -> None:
    """A row never replaces one of a higher generation, however late it comes."""
    sink = opened(make())
    sink.upsert(batches(row("a", "new", generation=5), row("b", "new", generation=5)), "key")
    sink.finish()
    sink.upsert(batches(row("a", "zombie", generation=4), row("c", "zombie", generation=4)), "key")
    expect_equal(titles(sink), {"a": "new", "b": "new", "c": "zombie"}, "a late upsert replaced a newer row")
    marks = {one["key"]: one[GENERATION] for batch in sink.scan(["key", GENERATION]) for one in batch.to_pylist()}
    expect_equal(marks, {"a": 5, "b": 5, "c": 4}, "a late upsert changed a generation")


def of_equal_keys_in_one_call_the_last_of_the_highest_generation_stays(make: Factory) -> None:
    """Within a batch and across batches, in one upsert."""
    sink = opened(make())
    rows = [row("a", "first"), row("a", "second"), row("b", "high", generation=2), row("b", "low"), row("a", "third")]
    sink.upsert(batches(*rows), "key")
    sink.upsert(batches(*[row("c", str(number)) for number in range(10)]), "key")
    expect_equal(titles(sink), {"a": "third", "b": "high", "c": "9"}, "the wrong row of equal keys stayed")


def deletes_remove_what_they_name(make: Factory) -> None:
    """Named rows go, others stay; keys that aren't there and a second delete change nothing."""
    sink = opened(make())
    sink.append(batches(row("a"), row("ab"), row("b"), row("A")))
    expect_equal(sink.delete(["a", "nowhere"], "key"), 2, "delete doesn't count the keys offered")
    sink.delete(["a"], "key")
    expect_equal(sorted(titles(sink)), ["A", "ab", "b"], "a delete removed or left the wrong rows")


def many_keys_are_deleted_at_once(make: Factory) -> None:
    """A delete takes more keys than one statement may hold."""
    sink = opened(make())
    sink.append(batches(*[row(f"k{number}") for number in range(100)], size=100))
    sink.delete([f"k{number}" for number in range(1, 30_000)], "key")
    expect_equal(list(titles(sink)), ["k0"], "a large delete went wrong")


def hostile_keys_are_only_keys(make: Factory) -> None:
    """Quotes, SQL, control characters and look-alikes in keys are found again, replaced and deleted one by one."""
    sink = opened(make())
    sink.upsert(batches(*[row(key, "old") for key in HOSTILE]), "key")
    sink.upsert(batches(*[row(key, "new", generation=2) for key in HOSTILE]), "key")
    expect_equal(titles(sink), dict.fromkeys(HOSTILE, "new"), "hostile keys are not found again")
    for place, key in enumerate(HOSTILE):
        sink.delete([key], "key")
        expect_equal(set(titles(sink)), set(HOSTILE[place + 1 :]), f"the delete of {key!r} went wrong")


def whole_numbers_are_keys_too(make: Factory) -> None:
    """A key column of whole numbers works, and a delete takes the texts of its keys."""
    schema = SCHEMA.set(0, pa.field("key", pa.int64()))
    sink = opened(make(), schema)
    sink.append(batches(*[row(key) for key in (-1, 0, 7, 77)], schema=schema))
    sink.upsert(batches(row(7, "new", generation=2), schema=schema), "key")
    sink.delete(["77", 0], "key")
    expect_equal(titles(sink), {-1: "a title", 7: "new"}, "keys that are whole numbers went wrong")


def a_row_without_a_key_is_refused(make: Factory) -> None:
    """A null key is a ConnectorError in append and in upsert; rows that were there stay."""
    sink = opened(make())
    sink.append(batches(row("a")))
    expect_refusal(lambda: sink.append(batches(row(None))), "an append of a null key")
    expect_refusal(lambda: sink.upsert(batches(row(None)), "key"), "an upsert of a null key")
    expect_equal(list(titles(sink)), ["a"], "a refused row changed the table")


def nothing_is_a_fine_amount(make: Factory) -> None:
    """No batches, batches without rows, no keys and no shards change nothing, on an empty table and on a full one."""
    sink = opened(make())
    empty = pa.RecordBatch.from_pylist([], schema=SCHEMA)
    for rows in ([], ["a"]):
        sink.append(batches(*map(row, rows)))
        expect_equal((sink.append(iter([])), sink.append(iter([empty]))), (0, 0), "append counts rows that aren't there")
        expect_equal((sink.upsert(iter([]), "key"), sink.upsert(iter([empty]), "key")), (0, 0), "upsert counts rows that aren't there")
        sink.delete([], "key")
        sink.remove_shards(1, [])
        sink.finish()
        expect_equal(sorted(titles(sink)), rows, "nothing changed something")


def a_table_of_another_shape_is_refused(make: Factory) -> None:
    """Opening with the same schema again is fine; with other columns or types it is a ConnectorError."""
    sink = opened(make())
    sink.append(batches(row("a")))
    opened(sink)
    expect_refusal(lambda: opened(sink, SCHEMA.remove(2)), "a schema that lacks a column of the table")
    expect_refusal(lambda: opened(sink, SCHEMA.set(2, pa.field("price", pa.string()))), "a schema with another type")
    expect_refusal(lambda: make().open(SCHEMA.remove(0), "key"), "a schema without the key")
    expect_equal(list(titles(sink)), ["a"], "a refused schema changed the table")


def a_run_that_only_deletes_opens_the_table_that_was_written(make: Factory) -> None:
    """A schema of the same names and types fits the table, whichever of the two says that a column holds no null."""
    strict = pa.schema([field.with_nullable(False) for field in SCHEMA])  # noqa: FBT003 - its only parameter
    for first, then in ((SCHEMA, strict), (strict, SCHEMA)):
        sink = opened(make(), first)
        sink.append(batches(row("a"), row("b")))
        opened(sink, then)
        sink.delete(["a"], "key")
        expect_equal(list(titles(sink)), ["b"], "a delete behind a schema that says more about nulls went wrong")
        sink.upsert(batches(row("c", None)), "key")
        expect_equal(sink.count(), 2, "a null doesn't fit after a schema that says less about nulls")


def finishing_changes_no_row(make: Factory) -> None:
    """`finish` may be called after every run, and rows go on being written after it."""
    sink = opened(make())
    rows = [row(f"k{number}") for number in range(50)]
    sink.append(batches(*rows))
    sink.finish()
    sink.upsert(batches(row("k7", "new", generation=2)), "key")
    sink.finish()
    sink.finish()
    expect_equal(titles(sink), {**{one["key"]: "a title" for one in rows}, "k7": "new"}, "finish changed rows")


def a_failing_feed_raises_its_own_error(make: Factory) -> None:
    """What the batches' iterator raises arrives as it is, and what it wrote before can be removed by shard."""

    class PowerCutError(Exception):
        """What the feed raises."""

    def feed(*rows: Row) -> Iterator[pa.RecordBatch]:
        yield from batches(*rows)
        raise PowerCutError

    sink = opened(make())
    _expect_raised(PowerCutError, lambda: sink.append(feed(row("a"))))
    _expect_raised(PowerCutError, lambda: sink.upsert(feed(row("b")), "key"))
    sink.remove_shards(1, [0])
    expect_equal(sink.count(), 0, "rows of a failed feed can't be removed")


def _expect_raised(kind: type[Exception], write: Callable[[], object]) -> None:
    try:
        write()
    except kind:
        return
    expect(False, "a feed's failure was swallowed")  # noqa: FBT003 - reads as an assertion


def a_sinks_identity_is_stable(make: Factory) -> None:
    """The identity is a text that writing doesn't change."""
    sink = opened(make())
    before = sink.identity()
    sink.append(batches(row("a")))
    expect(bool(before) and before == sink.identity(), "the identity is empty or changed by writing")


CHECKS = (
    what_was_appended_is_scanned,
    asked_for_columns_are_scanned,
    an_append_that_is_done_again_leaves_no_duplicates,
    only_the_named_shards_go,
    an_upsert_inserts_and_replaces,
    an_upsert_done_twice_is_as_done_once,
    a_zombies_late_upsert_changes_nothing,
    of_equal_keys_in_one_call_the_last_of_the_highest_generation_stays,
    deletes_remove_what_they_name,
    many_keys_are_deleted_at_once,
    hostile_keys_are_only_keys,
    whole_numbers_are_keys_too,
    a_row_without_a_key_is_refused,
    nothing_is_a_fine_amount,
    a_table_of_another_shape_is_refused,
    a_run_that_only_deletes_opens_the_table_that_was_written,
    finishing_changes_no_row,
    a_failing_feed_raises_its_own_error,
    a_sinks_identity_is_stable,
)
