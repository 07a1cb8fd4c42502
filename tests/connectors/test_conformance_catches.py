"""The conformance suite catches connectors that break a promise: a suite that can't fail proves nothing."""
# ruff: noqa: ARG002, D102 - each variant's docstring says what it does wrong, and it takes what the real one takes

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from darner.connectors import testing
from darner.connectors.memory.table import Memory

WRITTEN = [*testing.WRITABLE, *testing.GETTABLE, *testing.SEARCHABLE]


class IgnoresGenerations(Memory):
    """Lets a zombie's late upsert replace newer rows."""

    def _may_replace(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        return True


class KeepsFirst(Memory):
    """Replaces only rows of a strictly lower generation."""

    def _may_replace(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        return bool(old["_darner_generation"] < new["_darner_generation"])


class LeavesShards(Memory):
    """Forgets to remove what an unfinished append left."""

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        pass


class RemovesAllGenerations(Memory):
    """Removes shards whatever their generation."""

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        self.rows = [row for row in self.rows if row["_darner_shard"] not in shards]


class UpsertsByAppending(Memory):
    """Writes rows again that are there already."""

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:
        return self.append(batches)


class DeletesByPrefix(Memory):
    """Removes more than was named."""

    def delete(self, keys: Sequence[Any], key: str) -> int:
        self.rows = [row for row in self.rows if not any(str(row[key]).startswith(str(one)) for one in keys)]
        return len(keys)


class TakesNullKeys(Memory):
    """Writes rows that nobody can find again."""

    def _rows(self, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        return batch.to_pylist()


class ShowsMarks(Memory):
    """Shows what is darner's own."""

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        return super().scan(columns or self.columns())


class SearchesUnsorted(Memory):
    """Gives near rows in any order."""

    def search(self, vector: Sequence[float], *, limit: int = 10, where: str | None = None) -> list[Mapping[str, Any]]:
        return list(reversed(super().search(vector, limit=limit, where=where)))


class FiltersTooLate(Memory):
    """Takes the nearest first and judges the condition then."""

    def search(self, vector: Sequence[float], *, limit: int = 10, where: str | None = None) -> list[Mapping[str, Any]]:
        good = {row["key"] for row in super().search(vector, limit=1000, where=where)}
        return [row for row in super().search(vector, limit=limit) if row["key"] in good]


BROKEN_SINKS = [
    (IgnoresGenerations, "a_zombies_late_upsert_changes_nothing"),
    (KeepsFirst, "an_upsert_inserts_and_replaces"),
    (LeavesShards, "an_append_that_is_done_again_leaves_no_duplicates"),
    (RemovesAllGenerations, "only_the_named_shards_go"),
    (UpsertsByAppending, "an_upsert_done_twice_is_as_done_once"),
    (DeletesByPrefix, "deletes_remove_what_they_name"),
    (TakesNullKeys, "a_row_without_a_key_is_refused"),
    (ShowsMarks, "what_was_appended_is_scanned"),
    (SearchesUnsorted, "the_nearest_come_first"),
    (FiltersTooLate, "a_condition_narrows_a_search"),
]


@pytest.mark.parametrize(("broken", "caught_by"), BROKEN_SINKS, ids=lambda one: getattr(one, "__name__", one))
def test_a_sink_that_breaks_a_promise_is_caught(broken: type[Memory], caught_by: str) -> None:
    """A suite that can't fail proves nothing: each broken variant fails the check that is meant for it."""
    check = next(one for one in WRITTEN if one.__name__ == caught_by)
    with pytest.raises(AssertionError):
        check(lambda: broken(key="key"))


class ReadsBackwards(Memory):
    """Gives ranges last first."""

    def ranges(self) -> list[Any]:
        return list(reversed(super().ranges()))


class CountsFromZero(Memory):
    """Numbers a file's first row 0."""

    def read(self, part: Any, columns: Sequence[str] | None = None) -> Iterator[Any]:
        for place, batch in super().read(part, columns):
            yield type(place)(place.file, place.row - 1), batch


class ReadsAllColumns(Memory):
    """Reads what nobody asked for."""

    def read(self, part: Any, columns: Sequence[str] | None = None) -> Iterator[Any]:
        return super().read(part)


class ReadsAtOnce(Memory):
    """Gives the whole source as one batch."""

    def ranges(self) -> list[Any]:
        self.batch_rows = len(self.rows) or 1
        return super().ranges()


BROKEN_SOURCES = [
    (ReadsBackwards, "every_row_comes_once_in_order"),
    (CountsFromZero, "places_count_the_rows_of_each_file"),
    (ReadsAllColumns, "only_the_columns_asked_for_are_read"),
    (ReadsAtOnce, "batches_are_small"),
]


@pytest.mark.parametrize(("broken", "caught_by"), BROKEN_SOURCES, ids=lambda one: getattr(one, "__name__", one))
def test_a_source_that_breaks_a_promise_is_caught(broken: type[Memory], caught_by: str) -> None:
    """Likewise for sources."""
    check = next(one for one in testing.READABLE if one.__name__ == caught_by)
    with pytest.raises(AssertionError):
        check(lambda rows: broken(rows=rows, batch_rows=100))
