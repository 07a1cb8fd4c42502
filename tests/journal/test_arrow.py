"""The bytes of a journal's rows are Arrow's own, laid down without it."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from darner.runtime.events import VERSION
from darner.runtime.journal import arrow, record


def _by_arrow(kinds: list[str], times: list[float], bodies: list[str]) -> bytes:
    columns: list[pa.Array[Any]] = [
        pa.array([VERSION] * len(kinds), pa.uint16()),
        pa.array(kinds, pa.string()),
        pa.array(times, pa.float64()),
        pa.array(bodies, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=record.SCHEMA).serialize().to_pybytes()


@pytest.mark.parametrize("seed", range(200))
def test_a_batch_has_the_very_bytes_that_arrow_writes(seed: int) -> None:
    """Any number of rows of any length, texts beyond ASCII too: nothing of the format changes with who lays it down."""
    chance = random.Random(seed)
    count = chance.choice([1, 2, 3, 4, 7, 8, 64, 300])
    kinds = ["k" * chance.randrange(20) for _ in range(count)]
    times = [chance.random() * 1e9 for _ in range(count)]
    bodies = [chance.choice("aé💥") * chance.choice([0, 1, 5, 300]) for _ in range(count)]
    assert arrow.batch(VERSION, kinds, times, bodies) == _by_arrow(kinds, times, bodies)


def test_a_record_is_a_stream_that_arrow_reads() -> None:
    """Whoever has Arrow, in any language, can read a record's payload; one without events too."""
    events = [("step_finished", float(number), f'{{"step":"s{number}"}}') for number in range(5)]
    with pa.ipc.open_stream(record.encode(events)) as stream:
        rows = stream.read_all().to_pylist()
    assert rows == [{"version": VERSION, "kind": kind, "at": at, "body": text} for kind, at, text in events]
    with pa.ipc.open_stream(record.encode([])) as stream:
        assert stream.read_all().num_rows == 0
