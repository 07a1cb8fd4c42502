"""What every sink does that can be asked for single rows, or searched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ports import GENERATION, SHARD
from .expect import HOSTILE, batches, expect, expect_equal, expect_refusal, opened, row

Factory = Callable[[], Any]
"""Gives a new, empty sink that is also `Gettable`, or `Searchable`."""


def one_row_is_had_by_its_key(make: Factory) -> None:
    """Each key gives its own row, without the two marks."""
    sink = opened(make())
    sink.append(batches(*[row(key, f"of {place}") for place, key in enumerate(HOSTILE)]))
    for place, key in enumerate(HOSTILE):
        found = sink.get(key)
        expect(found is not None, f"{key!r} is not found")
        expect_equal((found["key"], found["title ä"]), (key, f"of {place}"), "another row was given")
        expect(not {GENERATION, SHARD} & set(found), "a row shows its marks")


def a_key_that_is_not_there_gives_none(make: Factory) -> None:
    """Asking for a missing or deleted key is no error."""
    sink = opened(make())
    sink.append(batches(row("a"), row("b")))
    sink.delete(["b"], "key")
    expect_equal((sink.get("b"), sink.get("A"), sink.get("' OR '1'='1")), (None, None, None), "a missing key gives a row")


def the_nearest_come_first(make: Factory) -> None:
    """Results are sorted by distance, no more than asked for, and the nearest is the one with that vector."""
    sink = opened(make())
    sink.append(batches(*[row(f"k{number}", "x" * number) for number in range(40)]))
    sink.finish()
    found = sink.search([1.0, 7.0, 0.5, 0.0], limit=5)
    expect_equal(len(found), 5, "a search gives another number of rows")
    expect_equal(found[0]["key"], "k7", "the nearest row is another")
    distances = [one["_distance"] for one in found]
    expect_equal(distances, sorted(distances), "results are not sorted by distance")
    expect(not {GENERATION, SHARD, "vector"} & set(found[0]), "a result shows its marks or its vector")


def a_search_sees_the_last_write(make: Factory) -> None:
    """Rows that were replaced or deleted are not found any more, new ones are."""
    sink = opened(make())
    sink.append(batches(*[row(f"k{number}", "x" * number) for number in range(20)]))
    sink.finish()
    sink.upsert(batches(row("k3", "x" * 30, generation=2)), "key")
    sink.delete(["k4"], "key")
    expect_equal(sink.search([1.0, 30.0, 0.5, 0.0], limit=1)[0]["key"], "k3", "a new row is not found")
    found = {one["key"] for one in sink.search([1.0, 4.0, 0.5, 0.0], limit=20)}
    expect_equal(found, {f"k{number}" for number in range(20)} - {"k4"}, "a deleted row is found, or another isn't")


def a_condition_narrows_a_search(make: Factory) -> None:
    """`where` is judged before the nearest are taken; a wrong one is a ConnectorError."""
    sink = opened(make())
    sink.append(batches(*[row(f"k{number}", "x" * number) for number in range(1, 40)]))
    found = sink.search([1.0, 2.0, 0.5, 0.0], limit=3, where="price >= 5")
    expect_equal([one["key"] for one in found], ["k20", "k21", "k22"], "a condition is not judged, or too late")
    expect_refusal(lambda: sink.search([1.0, 2.0, 0.5, 0.0], where="nowhere = 1"), "a wrong condition")


GETTABLE = (one_row_is_had_by_its_key, a_key_that_is_not_there_gives_none)
SEARCHABLE = (the_nearest_come_first, a_search_sees_the_last_write, a_condition_narrows_a_search)
