"""What a user writes beside a spec, for the tests of jobs: types, stages that leave traces, a sink in a file.

Copied into a spec's folder by `jobs.project`; every call of `normalise` leaves a line in the file that TRACE names.
"""

# ruff: noqa: D101, D102, ARG002 - written like a user's code: for reading
from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel

from darner.connectors.ports import Place, SourceRange

TRACE = Path(os.environ.get("SHOP_TRACE", os.devnull))


class Product(BaseModel):
    sku: str
    title: str
    price: float
    note: str | None = None


class Clean(BaseModel):
    sku: str
    title: str
    price: float
    words: list[str]


class Sorted(Clean):
    category: str


class Indexed(BaseModel):
    sku: str
    title: str
    category: str
    vector: list[float]


class Enriched(Product):
    colour: str


class Priced(BaseModel):
    sku: str
    title: str
    price: float


def normalise(product: Product) -> Clean | None:
    with TRACE.open("a") as trace:
        trace.write(product.sku + "\n")
    if product.title == "drop":
        return None
    if product.title == "bad":
        raise ValueError(f"{product.sku} is bad")
    if product.title == "kill":
        os.kill(os.getpid(), 9)
    if product.title.startswith("big"):
        held = [b"x" * (1 << 20) for _ in range(int(product.title[3:] or 400))]
        time.sleep(0.3)
        del held
    if product.title.startswith("slow"):
        time.sleep(float(product.title[4:] or 0.05))
    if product.title == "end-worker":
        os.kill(os.getppid(), 9)
        time.sleep(60)
    mood = Path("mood").read_text() + " " if Path("mood").exists() else ""
    if mood and product.sku.endswith("1"):
        return None
    return Clean(sku=product.sku, title=mood + product.title.strip().lower(), price=product.price, words=product.title.split())


def classify(rows: list[Clean]) -> list[Sorted]:
    if any(row.title == "worse" for row in rows):
        raise LookupError("a bad row in a batch")
    return [Sorted(**row.model_dump(), category="long" if len(row.title) > 8 else "short") for row in rows]


class Embedder:
    def __init__(self, dim: int) -> None:
        self.dim = dim

    def __call__(self, rows: list[Sorted]) -> list[Indexed]:
        return [
            Indexed(sku=row.sku, title=row.title, category=row.category, vector=[float(len(row.title) + n) for n in range(self.dim)])
            for row in rows
        ]


async def look_up(product: Product) -> Priced:
    if product.title == "flaky":
        raise ConnectionError("no answer")
    return Priced(sku=product.sku, title=product.title, price=product.price)


def double(batch: pa.RecordBatch) -> pa.RecordBatch:
    prices = pc.multiply(batch.column("price"), 2.0)
    return batch.set_column(batch.schema.get_field_index("price"), "price", prices)


def cheap(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.filter(pc.less(batch.column("price"), pa.scalar(5.0)))


class DeviceEmbedder:
    """An embedder on a device; rows titled "heavy" weigh ten times as much. Each call leaves its rows' keys in a line."""

    def __init__(self, rows: int) -> None:
        from darner.testing import SmallDevice  # noqa: PLC0415 - every child of every job would import it

        self.device = SmallDevice(rows)

    def __call__(self, rows: list[Clean]) -> list[Indexed]:
        with Path("embedded").open("a") as file:
            file.write(" ".join(row.sku for row in rows) + "\n")
        self.device.hold(sum(10 if row.title == "heavy" else 1 for row in rows))
        return [Indexed(sku=row.sku, title=row.title, category="device", vector=[1.0]) for row in rows]


class FileTable:
    """A sink in one file of JSON lines. Appends are not atomic on purpose: a killed one leaves some of its rows."""

    def __init__(self, path: str, key: str, pause: float = 0.0) -> None:
        self.path = Path(path)
        self.key = key
        self.pause = pause

    def identity(self) -> str:
        return f"file-table:{self.path}"

    def open(self, schema: pa.Schema, key: str) -> None:
        self.path.touch()

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        count = 0
        with self.path.open("a") as file:
            for batch in batches:
                for row in batch.to_pylist():
                    file.write(json.dumps(row) + "\n")
                    count += 1
                file.flush()
                time.sleep(self.pause)
        return count

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:
        rows = {row[key]: row for row in self.rows()}
        new = [row for batch in batches for row in batch.to_pylist()]
        for row in new:
            old = rows.get(row[key])
            if old is None or old["_darner_generation"] <= row["_darner_generation"]:
                rows[row[key]] = row
        self._write(list(rows.values()))
        return len(new)

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        self._write([row for row in self.rows() if row["_darner_generation"] != generation or row["_darner_shard"] not in shards])

    def delete(self, keys: Sequence[Any], key: str) -> int:
        gone = set(map(str, keys))
        self._write([row for row in self.rows() if str(row[key]) not in gone])
        return len(keys)

    def finish(self) -> None:
        self.path.with_suffix(".finished").touch()

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        rows = self.rows()
        if rows:
            yield pa.RecordBatch.from_pylist(rows).select(list(columns or rows[0]))

    def count(self) -> int:
        return len(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return whole lines: a torn last one is what a kill leaves."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().split("\n") if line.endswith("}")]

    def _write(self, rows: list[dict[str, Any]]) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
        temporary.replace(self.path)


def file_table(path: str, key: str) -> FileTable:
    """Return the sink: what a dataset's ``use`` names."""
    return FileTable(path, key)


class Moody:
    """A connector that breaks in the verb that the file ``broken`` names, if there is one: source and sink in one."""

    def __init__(self, *, path: str, key: str) -> None:
        self.table = FileTable(path, key)
        self.feed = Path("feed.parquet")
        self._may("__init__")

    def _may(self, verb: str) -> None:
        if Path("broken").exists() and Path("broken").read_text() == verb:
            raise LookupError(f"no luck with {verb}")

    def identity(self) -> str:
        self._may("identity")
        return self.table.identity()

    def open(self, schema: pa.Schema, key: str) -> None:
        self._may("open")
        self.table.open(schema, key)

    def append(self, batches: Iterator[pa.RecordBatch]) -> int:
        count = self.table.append(iter([next(batches)]))
        self._may("append")
        return count + self.table.append(batches)

    def upsert(self, batches: Iterator[pa.RecordBatch], key: str) -> int:
        self._may("upsert")
        return self.table.upsert(batches, key)

    def remove_shards(self, generation: int, shards: Sequence[int]) -> None:
        self.table.remove_shards(generation, shards)

    def delete(self, keys: Sequence[Any], key: str) -> int:
        return self.table.delete(keys, key)

    def finish(self) -> None:
        self._may("finish")

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self.table.scan(columns)

    def count(self) -> int:
        self._may("count")
        return self.table.count()

    def ranges(self) -> Sequence[SourceRange]:
        self._may("ranges")
        return [SourceRange(0, "feed")]

    def columns(self) -> Sequence[str]:
        return pq.read_schema(self.feed).names

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        row = 1
        for batch in pq.ParquetFile(self.feed).iter_batches(100, columns=list(columns) if columns else None):
            if row > 100:
                self._may("read")
            yield Place(part.file, row), batch
            row += batch.num_rows
