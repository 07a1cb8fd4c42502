"""Every connector that ships keeps every promise of the conformance suite."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from darner.connectors import registry, testing
from darner.connectors.memory.table import Memory

Rows = Sequence[Mapping[str, Any]]
COLUMNS = ("sku", "title ä", "no te")


def write_parquet(path: Path, rows: Rows) -> None:
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), path, row_group_size=20_000)


def write_csv(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\r\n")
        for row in rows:
            file.write(",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row.values()) + "\r\n")


def write_jsonl(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


WRITERS: Mapping[str, Callable[[Path, Rows], None]] = {".parquet": write_parquet, ".csv": write_csv, ".jsonl": write_jsonl}


def files(folder: Path, suffix: str, parts: int) -> Callable[[Rows], Any]:
    """Return a factory of sources over files of one format."""

    def make(rows: Rows) -> Any:
        size = -(-len(rows) // parts) or 1
        for number, start in enumerate(range(0, len(rows) or 1, size)):
            WRITERS[suffix](folder / f"part-{number:03}{suffix}", rows[start : start + size])
        return registry.source("files", with_={"url": f"*{suffix}"}, base=folder)

    return make


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("check", testing.READABLE, ids=testing.name)
def test_files_keep_the_promises_of_a_source(check: testing.Check, suffix: str, parts: int, tmp_path: Path) -> None:
    """Parquet, CSV and JSONL, as one file and as several."""
    check(files(tmp_path, suffix, parts))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("check", testing.READABLE, ids=testing.name)
def test_compressed_files_keep_them_too(check: testing.Check, suffix: str, tmp_path: Path) -> None:
    """Text formats may be compressed."""

    def make(rows: Rows) -> Any:
        WRITERS[suffix](tmp_path / "plain", rows)
        (tmp_path / f"feed{suffix}.gz").write_bytes(gzip.compress((tmp_path / "plain").read_bytes(), 1))
        return registry.source("files", with_={"url": f"feed{suffix}.gz"}, base=tmp_path)

    check(make)


@pytest.mark.parametrize("check", testing.READABLE, ids=testing.name)
def test_memory_keeps_the_promises_of_a_source(check: testing.Check) -> None:
    """The double behaves as the real ones do."""
    check(lambda rows: Memory(rows=rows, batch_rows=100))


WRITTEN = [*testing.WRITABLE, *testing.GETTABLE, *testing.SEARCHABLE]


@pytest.mark.parametrize("check", WRITTEN, ids=testing.name)
def test_memory_keeps_the_promises_of_a_sink(check: testing.Check) -> None:
    """The double behaves as the real ones do."""
    check(lambda: Memory(key="key"))


@pytest.mark.parametrize("check", WRITTEN, ids=testing.name)
def test_lancedb_keeps_the_promises_of_a_sink(check: testing.Check, tmp_path: Path) -> None:
    """A table in a folder."""
    numbers = itertools.count()
    check(lambda: registry.sink("lancedb", with_={"url": "db", "table": f"t{next(numbers)}"}, key="key", base=tmp_path))


@pytest.mark.parametrize("check", [*testing.WRITABLE, *testing.GETTABLE], ids=testing.name)
def test_parquet_keeps_the_promises_of_a_sink(check: testing.Check, tmp_path: Path) -> None:
    """A table in a folder of Parquet files."""
    numbers = itertools.count()
    check(lambda: registry.sink("parquet", with_={"url": f"t{next(numbers)}"}, key="key", base=tmp_path))


def lancedb_source(folder: Path) -> Callable[[Rows], Any]:
    """Return a factory of LanceDB tables that hold rows."""
    schema = pa.schema([(name, pa.string()) for name in COLUMNS] + [("_darner_generation", pa.int64()), ("_darner_shard", pa.int64())])

    def make(rows: Rows) -> Any:
        table: Any = registry.sink("lancedb", with_={"url": "db", "table": "t"}, base=folder)
        table.open(schema, "sku")
        full = [{**row, "_darner_generation": 1, "_darner_shard": 0} for row in rows]
        table.append(pa.RecordBatch.from_pylist(full[start : start + 1000], schema=schema) for start in range(0, len(full), 1000))
        return table

    return make


@pytest.mark.parametrize("check", testing.READABLE, ids=testing.name)
def test_lancedb_keeps_the_promises_of_a_source(check: testing.Check, tmp_path: Path) -> None:
    """A table can be a job's source as well."""
    check(lancedb_source(tmp_path))
