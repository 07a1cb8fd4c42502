"""What a shard under way has made so far: kept, found again by its fingerprint, and never older than what it was made from."""

# ruff: noqa: D101 - small types of a test
from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel

from darner.runtime.batch.columns import row_type
from darner.runtime.batch.fingerprints import StageKey
from darner.runtime.batch.model import KEY, VERSION
from darner.runtime.batch.policy import FailurePolicy
from darner.runtime.batch.rows import rows_of_input
from darner.runtime.batch.working.arrow_stage import ArrowCaller
from darner.runtime.batch.working.callables import RowCaller, StageTypes
from darner.runtime.batch.working.kept import Keeper
from darner.runtime.batch.working.metering import Meter
from darner.runtime.batch.working.remembered import Memory
from darner.runtime.batch.working.stage import Passed, Stage, run_stage
from darner.runtime.journal import paths
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.perform.processes.leaving import Notice
from darner.runtime.ports import Usage

COUNT = 9
INPUT = pa.table(
    {
        KEY: [f"k{number}" for number in range(COUNT)],
        VERSION: pa.array([bytes([number] * 16) for number in range(COUNT)], pa.binary(16)),
        "number": list(range(COUNT)),
    }
)
AT_ONCE, NEVER = 0.0, 3600.0
FIRST, SECOND = "ab" * 16, "cd" * 16


class Item(BaseModel):
    number: int


ITEM = row_type(Item)


class Doubling:
    """A stage that filters 3, fails for 4, and ends its shard at some number, once."""

    def __init__(self, ends_at: int | None = None) -> None:
        self.ends_at = ends_at
        self.calls: list[int] = []

    def __call__(self, item: Item) -> Item | None:
        """Double a number."""
        self.calls.append(item.number)
        if item.number == self.ends_at:
            raise KeyboardInterrupt
        if item.number == 4:
            raise ValueError("four")
        return None if item.number == 3 else Item(number=item.number * 2)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore.open(tmp_path)


def _keeper(store: LocalStore, seconds: float = AT_ONCE, meter: Meter | None = None) -> Keeper:
    keeper = Keeper(store, "shop", 1, 0, seconds, meter or Meter(), Notice())
    keeper.recover(["first", "second"])
    return keeper


def _stage(function: Callable[[Any], Any], name: str = "first", fingerprint: str = FIRST) -> Stage:
    caller = RowCaller(function, ITEM, FailurePolicy.of(name, {}), filters=True)
    return Stage(name, StageKey(name, fingerprint), StageTypes(ITEM, ITEM), caller)


def _run(stage: Stage, keeper: Keeper, rows: Any = None) -> Passed:
    return run_stage(stage, rows or rows_of_input(INPUT), Memory(INPUT, keeper.store), None, keeper)


def _ended(stage: Stage, keeper: Keeper) -> None:
    """Run a stage that ends its shard, as a shard does."""
    with pytest.raises(KeyboardInterrupt):
        _run(stage, keeper)
    keeper.save()


@pytest.mark.parametrize("seconds", [AT_ONCE, NEVER])
def test_what_was_made_before_a_shard_ended_early_is_not_made_again(store: LocalStore, seconds: float) -> None:
    """Done, filtered and dead rows alike; the part, the letters and the counts are those of a shard that was never disturbed."""
    undisturbed = _run(_stage(Doubling()), Keeper(store, "other", 1, 0, NEVER, Meter(), Notice()))
    _ended(_stage(Doubling(ends_at=6)), _keeper(store, seconds))
    again = Doubling()
    passed = _run(_stage(again), _keeper(store, seconds))
    assert again.calls == [6, 7, 8]
    assert passed.part.equals(undisturbed.part)
    assert passed.counts == undisturbed.counts
    assert [(one.key, one.dead, one.input) for one in passed.dead] == [(one.key, one.dead, one.input) for one in undisturbed.dead]
    assert passed.rows.columns["number"].to_pylist() == [0, 2, 4, 10, 12, 14, 16]


def test_an_outcome_counts_only_under_the_fingerprint_that_it_was_made_under(store: LocalStore) -> None:
    """A changed stage makes everything anew."""
    _ended(_stage(Doubling(ends_at=6)), _keeper(store))
    again = Doubling()
    _run(_stage(again, fingerprint=SECOND), _keeper(store))
    assert again.calls == list(range(COUNT))


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_flush_costs_its_rows_and_nothing_else(store: LocalStore, damage: str) -> None:
    """A byte that changed, a half, nothing at all: what it held is made again."""
    _ended(_stage(Doubling(ends_at=6)), _keeper(store))
    name = store.names(paths.flushes("shop", 1, 0))[1]
    content = bytearray(store.get(name))
    content[len(content) // 2] ^= 1
    store.put(name, {"flip": bytes(content), "cut": bytes(content[:40]), "empty": b""}[damage])
    again = Doubling()
    _run(_stage(again), _keeper(store))
    assert again.calls == [1, 6, 7, 8]


def test_what_a_stage_made_is_kept_before_what_the_next_one_makes_of_it(store: LocalStore) -> None:
    """A first stage that is done in no time is flushed with the second one: no outcome may outlive what it was made from."""
    keeper = _keeper(store, NEVER)
    first = _run(_stage(Doubling()), keeper)
    with pytest.raises(KeyboardInterrupt):
        _run(_stage(Doubling(ends_at=10), "second", SECOND), keeper, first.rows)
    keeper.save()
    kept = [name.rpartition("-")[2] for name in store.names(paths.flushes("shop", 1, 0))]
    assert kept == ["first.arrow", "second.arrow"]
    again, behind = Doubling(), Doubling()
    keeper = _keeper(store)
    _run(_stage(behind, "second", SECOND), keeper, _run(_stage(again), keeper).rows)
    assert (again.calls, behind.calls) == ([], [10, 12, 14, 16])


def test_what_rows_cost_is_kept_with_them(store: LocalStore) -> None:
    """A shard's marker says what all of its attempts cost, but for what was lost with a process."""
    meter = Meter()

    def paid(item: Item) -> Item:
        meter.add(Usage(1, 10, 5, Decimal("0.01")), {})
        if item.number == 6:
            raise KeyboardInterrupt
        return item

    _ended(_stage(paid), _keeper(store, AT_ONCE, meter))
    assert (_keeper(store).used.calls, _keeper(store).used.tokens, _keeper(store).used.cost) == (6, 90, Decimal("0.06"))


def test_a_worker_that_was_believed_gone_keeps_what_it_makes_under_other_names(store: LocalStore) -> None:
    """Two at one shard: neither's outcomes take the place of the other's."""
    one, other = _keeper(store), _keeper(store)
    _ended(_stage(Doubling(ends_at=2)), one)
    _ended(_stage(Doubling(ends_at=5)), other)
    assert len(store.names(paths.flushes("shop", 1, 0))) == 2 + 5
    again = Doubling()
    _run(_stage(again), _keeper(store))
    assert again.calls == [5, 6, 7, 8]


def test_slices_of_an_arrow_stage_are_kept_too(store: LocalStore) -> None:
    """Those that came back before the shard ended."""
    calls: list[Any] = []

    def double(batch: pa.RecordBatch) -> pa.RecordBatch:
        calls.append(batch.column("number").to_pylist())
        if len(calls) == 3:
            raise KeyboardInterrupt
        return batch

    stage = Stage(
        "first", StageKey("first", FIRST), StageTypes(None, ITEM), ArrowCaller(double, FailurePolicy.of("first", {}), 2, ITEM.schema)
    )
    _ended(stage, _keeper(store))
    passed = _run(stage, _keeper(store))
    assert calls == [[0, 1], [2, 3], [4, 5], [4, 5], [6, 7], [8]]
    assert passed.rows.columns["number"].to_pylist() == list(range(COUNT))
