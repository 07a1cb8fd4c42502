"""The same work as the job, as anybody would write it: a loop, or two of them side by side. Nothing survives a kill.

    python plain.py FEED OUT [--processes 2] [--sink parquet|lancedb] [--stages catalogue|spinning]

Rows of equal key: the last one holds. Rows that a stage refuses are counted and left out.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 512
WRITE = 4096


def rows(feed: Path, part: int, parts: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of one part of a feed, the last one of each key."""
    keys = pq.read_table(feed, columns=["product_id"])["product_id"].to_pylist()
    last = {key: number for number, key in enumerate(keys)}
    low, high = len(keys) * part // parts, len(keys) * (part + 1) // parts
    number = 0
    for batch in pq.ParquetFile(feed).iter_batches(8192):
        if number + batch.num_rows > low and number < high:
            for offset, row in enumerate(batch.to_pylist()):
                if low <= number + offset < high and last[row["product_id"]] == number + offset:
                    yield row
        number += batch.num_rows


def catalogue() -> tuple[type, list[Callable[[Any], Any]], Callable[[list[Any]], list[Any]]]:
    """Return the stages of specs/catalog: the source's type, two functions of a row, one of a batch."""
    stages: Any = importlib.import_module("catalog.stages")
    types: Any = importlib.import_module("catalog.types")
    return types.Offer, [stages.normalise, stages.classify], stages.Embed()


def spinning() -> tuple[type, list[Callable[[Any], Any]], Callable[[list[Any]], list[Any]]]:
    """Return three functions of a row that cost 0.2 ms together."""
    spin: Any = importlib.import_module("spin")
    return spin.Row, [spin.first, spin.second], lambda batch: [spin.third(row) for row in batch]


STAGES = {"catalogue": catalogue, "spinning": spinning}


def results(source: Iterator[dict[str, Any]], stages: str) -> Iterator[list[Any]]:
    """Yield what the last stage gives, batch by batch."""
    kind, singles, last = STAGES[stages]()
    names = set(kind.model_fields) if hasattr(kind, "model_fields") else {one.name for one in fields(kind)}
    batch: list[Any] = []
    refused = 0
    for row in source:
        try:
            value = kind(**{name: row[name] for name in names})
            for single in singles:
                value = single(value)
        except ValueError:
            refused += 1
            continue
        batch.append(value)
        if len(batch) == BATCH:
            yield last(batch)
            batch = []
    if batch:
        yield last(batch)
    sys.stdout.write(f"{refused} rows refused\n")


def tables(batches: Iterator[list[Any]]) -> Iterator[pa.RecordBatch]:
    """Yield Arrow batches of about ``WRITE`` rows."""
    held: list[Any] = []
    for batch in batches:
        held += batch
        if len(held) >= WRITE:
            yield _arrow(held)
            held = []
    if held:
        yield _arrow(held)


def _arrow(values: list[Any]) -> pa.RecordBatch:
    columns: dict[str, Any] = {}
    for one in fields(values[0]):
        column = [getattr(value, one.name) for value in values]
        if one.name == "vector":
            flat = np.concatenate(column)
            columns[one.name] = pa.FixedSizeListArray.from_arrays(pa.array(flat), len(column[0]))
        else:
            columns[one.name] = pa.array(column)
    return pa.RecordBatch.from_pydict(columns)


def to_parquet(batches: Iterator[pa.RecordBatch], out: Path) -> None:
    """Write one Parquet file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    first = next(batches)
    with pq.ParquetWriter(out, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def to_lancedb(batches: Iterator[pa.RecordBatch], out: Path) -> None:
    """Append to one table; the same connector builds the same index as for the job."""
    import lancedb  # noqa: PLC0415 - heavy

    first = next(batches)
    database = lancedb.connect(str(out))
    table = database.create_table("products", schema=first.schema, exist_ok=True)
    table.add(pa.RecordBatchReader.from_batches(first.schema, (one for some in ([first], batches) for one in some)))


def build_index(out: Path) -> None:
    """Index key and vectors."""
    from darner.connectors.registry import sink  # noqa: PLC0415 - only where it is needed

    sink("lancedb", with_={"url": str(out), "table": "products"}, key="product_id").finish()


def main() -> None:
    """Do all of it, or one part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("feed", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--part", type=int)
    parser.add_argument("--sink", choices=["parquet", "lancedb"], default="parquet")
    parser.add_argument("--stages", choices=sorted(STAGES), default="catalogue")
    given = parser.parse_args()
    if given.processes > 1 and given.part is None:
        command = [sys.executable, *sys.argv]
        if given.sink == "lancedb":
            given.out.mkdir(parents=True, exist_ok=True)
        children = [subprocess.Popen([*command, "--part", str(part)]) for part in range(given.processes)]
        if any([child.wait() for child in children]):  # noqa: C419 - wait for all of them
            sys.exit(1)
    else:
        part = given.part or 0
        batches = tables(results(rows(given.feed, part, given.processes), given.stages))
        if given.sink == "parquet":
            to_parquet(batches, given.out / f"{part}.parquet")
        else:
            to_lancedb(batches, given.out)
    if given.part is None and given.sink == "lancedb":
        build_index(given.out)


if __name__ == "__main__":
    main()
