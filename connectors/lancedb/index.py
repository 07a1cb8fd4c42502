"""Indexes of a table: on its key, and on its vectors once there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

IndexKind = Literal["sq", "rq", "flat", "none"]
Metric = Literal["cosine", "l2", "dot"]

INDEX_FROM = 100_000
"""Below this, comparing every vector takes less than 50 ms."""
ROWS_A_PARTITION = 1024
TRAINING_ROUNDS = 10
SAMPLES_A_PARTITION = 64
"""Of 256 and 50 rounds, which is Lance's way, ten rounds over 64 find the same neighbours in less than half the time."""
PROBES = 20
REFINE = 10
MANY_PIECES = 32
"""Files of rows that one table may have before they are put together."""
KEEP_VERSIONS = timedelta(hours=1)
"""Who searches an older version meanwhile is left in peace that long."""


@dataclass(frozen=True, slots=True)
class Search:
    """How vectors are compared: the kind of index, the number of rows from which there is one, the metric."""

    kind: IndexKind = "sq"
    index_from: int = INDEX_FROM
    metric: Metric = "cosine"

    def query(self, table: Any, vector: Sequence[float], column: str) -> Any:
        """Return a search, to be narrowed further."""
        query = table.search(list(vector), vector_column_name=column).distance_type(self.metric)
        return query.nprobes(PROBES).refine_factor(REFINE)


def build(table: Any, key: str, vector: str | None, search: Search) -> None:
    """Bring the indexes up to date, and clean up."""
    from lancedb.index import BTree  # noqa: PLC0415 - with lancedb, which is imported late

    rows = table.count_rows()
    there = {name: index for index in table.list_indices() for name in index.columns}
    # A new vector index needs no such care, and after it this would take as long again.
    if any(index.num_unindexed_rows for index in there.values()) or _pieces(table) > MANY_PIECES:
        table.optimize(cleanup_older_than=KEEP_VERSIONS)
    if key and key not in there and rows:
        table.create_index(key, config=BTree())
    if vector is not None and vector not in there and search.kind != "none" and rows >= search.index_from:
        table.create_index(vector, config=_config(search, rows))


def _pieces(table: Any) -> int:
    return int(table.stats()["fragment_stats"]["num_fragments"])


def _config(search: Search, rows: int) -> Any:
    from lancedb.index import IvfFlat, IvfRq, IvfSq  # noqa: PLC0415 - likewise

    kinds: dict[str, Any] = {"sq": IvfSq, "rq": IvfRq, "flat": IvfFlat}
    return kinds[search.kind](
        distance_type=search.metric,
        num_partitions=max(1, rows // ROWS_A_PARTITION),
        max_iterations=TRAINING_ROUNDS,
        sample_rate=SAMPLES_A_PARTITION,
    )
