"""The sink commit: intents and records, and what a broken one would do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from darner.compiler.plan import DatasetPlan, JobPlan, Plan, SinkPlan, StagePlan
from darner.connectors.memory.table import Memory
from darner.runtime.batch.driving.sink import SinkCommits
from darner.runtime.batch.intents import Intent
from darner.runtime.batch.markers import Board
from darner.runtime.batch.model import Marker, PartRef
from darner.runtime.batch.parts import DamagedPart, write_part
from darner.runtime.failures import Fenced
from darner.runtime.journal import paths
from darner.runtime.journal.store import open_store

PLAN = Plan(
    plan="shop",
    datasets={"index": DatasetPlan(use="memory", type="shop:Item", key="sku", fields=("sku", "n"))},
    job=JobPlan(source="feed", sink=SinkPlan(to="index")),
    stages={"only": StagePlan(shape="row", runs="shop:only")},
)
SHARDS, ROWS = 3, 100


class Killed(Exception):
    """Stands for a kill -9."""


class Dying(Memory):
    """A sink that dies in the middle of its first append, with half of the rows written."""

    alive = False

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        """Write half and die, once."""
        if self.alive:
            return super().append(batches)
        self.alive = True
        whole = next(batches)
        super().append(iter([whole.slice(0, whole.num_rows // 2)]))
        raise Killed


class WithoutIntent(SinkCommits):
    """A broken variant: it says what it did afterwards only."""

    def _write(self, tables: dict[int, pa.Table]) -> None:
        self._send(tables, "append")
        self.committed |= set(tables)


def _board(folder: Path, generation: int = 1) -> Board:
    return Board(open_store(folder / "store"), "shop", 1, generation)


def _finished(board: Board) -> dict[int, Marker]:
    found = {}
    for shard in range(SHARDS):
        keys = [f"p{shard}-{number}" for number in range(ROWS)]
        part = pa.table({"_key": keys, "_state": ["done"] * (ROWS - 1) + ["filtered"], "sku": keys, "n": list(range(ROWS))})
        ref = write_part(board.store, paths.part("shop", 1, "only", shard), part)
        found[shard] = Marker(shard=shard, group=0, attempt=1, outcome="done", parts={"only": ref})
    return found


def _drive(board: Board, sink: Memory, markers: dict[int, Marker], kind: type[SinkCommits] = SinkCommits) -> SinkCommits:
    commits = kind(board, sink, PLAN, first_build=True)
    commits.recover()
    for shard, marker in markers.items():
        commits.offer(shard, marker)
    commits.commit(everything=True)
    return commits


def _killed_and_resumed(folder: Path, kind: type[SinkCommits]) -> list[Any]:
    sink, markers = Dying(key="sku"), _finished(_board(folder))
    with pytest.raises(Killed):
        _drive(_board(folder), sink, markers, kind)
    _drive(_board(folder, 2), sink, markers, kind)
    return sorted(row["sku"] for row in sink.rows)


def test_an_append_that_was_killed_half_way_is_taken_back_and_done_again(tmp_path: Path) -> None:
    """Every row once; filtered ones never."""
    expected = sorted(f"p{shard}-{number}" for shard in range(SHARDS) for number in range(ROWS - 1))
    assert _killed_and_resumed(tmp_path, SinkCommits) == expected


def test_an_append_without_an_intent_would_be_found_out(tmp_path: Path) -> None:
    """The broken variant leaves rows twice: the check above can fail."""
    rows = _killed_and_resumed(tmp_path, WithoutIntent)
    assert len(rows) > len(set(rows))


def test_a_marker_that_was_written_before_its_part_is_found_out_before_anything_is_written(tmp_path: Path) -> None:
    """The broken variant: a crash between the two would leave a marker without a part. No intent, no row."""
    board, sink = _board(tmp_path), Memory(key="sku")
    ref = PartRef(name=paths.part("shop", 1, "only", 0), rows=ROWS, size=1000, checksum="0" * 64)
    marker = Marker(shard=0, group=0, attempt=1, outcome="done", parts={"only": ref})
    with pytest.raises(DamagedPart) as damaged:
        _drive(board, sink, {0: marker})
    assert damaged.value.shard == 0
    assert sink.rows == []
    assert not board.store.exists(paths.sink_intent("shop", 1, 0))


def test_what_is_committed_is_not_written_again(tmp_path: Path) -> None:
    """A second driver finds the records of the first."""
    sink, markers = Memory(key="sku"), _finished(_board(tmp_path))
    first = _drive(_board(tmp_path), sink, markers)
    second = _drive(_board(tmp_path, 2), sink, markers)
    assert (first.rows, second.rows, len(sink.rows)) == (297, 297, 297)
    assert {row["_darner_generation"] for row in sink.rows} == {1}


def test_a_table_that_is_not_empty_is_merged_into_by_key(tmp_path: Path) -> None:
    """A first build appends only where nothing can be there twice."""
    sink = Memory(key="sku", rows=[{"sku": "p0-0", "n": -1, "_darner_generation": 0, "_darner_shard": 0}])
    _drive(_board(tmp_path), sink, _finished(_board(tmp_path)))
    assert len(sink.rows) == 297
    assert next(row["n"] for row in sink.rows if row["sku"] == "p0-0") == 0


def test_two_writers_are_never_both_believed(tmp_path: Path) -> None:
    """The second to name a commit stops before it writes."""
    board, sink = _board(tmp_path), Memory(key="sku")
    markers = _finished(board)
    slow = SinkCommits(board, sink, PLAN, first_build=True)
    slow.recover()
    slow.offer(0, markers[0])
    intent = Intent(generation=2, mode="append", shards=(0,), rows=99)
    board.store.create(paths.sink_intent("shop", 1, 0), intent.model_dump_json().encode())
    with pytest.raises(Fenced):
        slow.commit(everything=True)
    assert sink.rows == []
