"""Rows and keys on their way into the table, as LanceDB takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from ..keyed import fit

KEYS_A_STATEMENT = 5_000


class Feed:
    """Batches on their way into the table: made to fit, counted, and their failure kept (LanceDB would hide it)."""

    def __init__(self, first: list[pa.RecordBatch], rest: Iterator[pa.RecordBatch], schema: pa.Schema, key: str) -> None:
        self.first, self.rest, self.schema, self.key = first, rest, schema, key
        self.rows = 0
        self.failure: Exception | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches with the table's columns."""
        try:
            for some in (self.first, self.rest):
                for batch in some:
                    self.rows += batch.num_rows
                    yield fit(batch, self.schema, self.key)
        except Exception as failure:
            self.failure = failure
            raise

    @contextmanager
    def own_failures(self) -> Iterator[None]:
        """Raise what the batches' iterator raised, as itself, where LanceDB has made something else of it."""
        try:
            yield
        except Exception:
            if self.failure is not None:
                raise self.failure from None
            raise


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield values in pieces that one statement can name."""
    for start in range(0, len(values), KEYS_A_STATEMENT):
        yield values[start : start + KEYS_A_STATEMENT]
