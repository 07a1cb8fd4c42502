"""Whatever is written in whatever order, the real tables hold what the double holds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darner.connectors import registry
from darner.connectors.conformance.expect import HOSTILE, SCHEMA, batches, content, row
from darner.connectors.memory.table import Memory

KEYS = st.sampled_from(["a", "b", "c", "d", *HOSTILE[:4]])
ROWS = st.lists(st.builds(row, KEYS, st.text(max_size=5), generation=st.integers(1, 3), shard=st.integers(0, 2)), max_size=6)
STEPS = st.one_of(
    st.tuples(st.just("upsert"), ROWS),
    st.tuples(st.just("append"), ROWS),
    st.tuples(st.just("delete"), st.lists(KEYS, max_size=3)),
    st.tuples(st.just("remove"), st.tuples(st.integers(1, 3), st.lists(st.integers(0, 2), max_size=2))),
    st.tuples(st.just("finish"), st.none()),
)


def apply(sink: Any, kind: str, value: Any) -> None:
    """Do one step; rows that are appended are new, as `append` requires."""
    if kind == "upsert":
        sink.upsert(batches(*value), "key")
    elif kind == "append":
        there = {one["key"] for one in content(sink)}
        new = {one["key"]: one for one in value if one["key"] not in there}
        sink.append(batches(*new.values()))
    elif kind == "delete":
        sink.delete(value, "key")
    elif kind == "remove":
        sink.remove_shards(*value)
    else:
        sink.finish()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=1, max_size=6))
def test_tables_hold_what_memory_holds(steps: list[tuple[str, Any]]) -> None:
    """After every step of any sequence of writes, deletes and removals, all scans are equal."""
    with tempfile.TemporaryDirectory() as folder:
        lance = registry.sink("lancedb", with_={"url": "db", "table": "t"}, base=Path(folder))
        parquet = registry.sink("parquet", with_={"url": "t"}, base=Path(folder))
        double = Memory(key="key")
        for sink in (lance, parquet, double):
            sink.open(SCHEMA, "key")
        for kind, value in steps:
            for sink in (lance, parquet, double):
                apply(sink, kind, value)
            assert content(lance) == content(double)
            assert content(parquet) == content(double)
