"""LanceDB beyond the conformance suite: other processes, vectors, indexes, and what is wrong."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from darner.connectors import registry
from darner.connectors.errors import ConnectorError
from darner.connectors.ports import GENERATION, SHARD

SCHEMA = pa.schema({"sku": pa.string(), "vector": pa.list_(pa.float64()), GENERATION: pa.int64(), SHARD: pa.int64()})


def table(folder: Path, **options: Any) -> Any:
    """Return the connector of one table."""
    return registry.sink("lancedb", with_={"url": "db", "table": "products", **options}, key="sku", base=folder)


def batch(start: int, stop: int, *, generation: int = 1, shard: int = 0, size: int = 8) -> pa.RecordBatch:
    """Return rows whose vectors point each in a direction of their own."""
    rows = [{"sku": f"s{n}", "vector": vector(n, size), GENERATION: generation, SHARD: shard} for n in range(start, stop)]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def vector(number: int, size: int = 8) -> list[float]:
    """Return a vector of a direction of its own, in numbers that 32 bits hold exactly."""
    drawn = random.Random(number)
    return [round(drawn.gauss() * 64) / 64 for _ in range(size)]


def test_another_connector_sees_what_was_committed(tmp_path: Path) -> None:
    """A reader that was there before sees every later commit."""
    writer, reader = table(tmp_path), table(tmp_path)
    writer.open(SCHEMA, "sku")
    writer.append(iter([batch(0, 10)]))
    assert reader.count() == 10
    writer.upsert(iter([batch(5, 15, generation=2)]), "sku")
    assert reader.count() == 15
    assert reader.get("s14")["vector"] == vector(14)


def test_lists_of_doubles_become_vectors_and_keep_their_values(tmp_path: Path) -> None:
    """The length is taken from the first rows; the table is searched without being told which column."""
    sink = table(tmp_path)
    sink.open(SCHEMA, "sku")
    sink.append(iter([batch(0, 50)]))
    kind = next(sink.scan()).schema.field("vector").type
    assert kind == pa.list_(pa.float32(), 8)
    assert sink.search(vector(7), limit=1)[0]["sku"] == "s7"


def test_an_index_is_built_from_a_number_of_rows_on_and_finds_the_same(tmp_path: Path) -> None:
    """Below the number there is none; above it the nearest are still the nearest, new rows among them."""
    sink = table(tmp_path, index_from=2000)
    sink.open(SCHEMA, "sku")
    sink.append(iter([batch(0, 1000)]))
    sink.finish()
    assert indexed(sink) == {"sku"}
    sink.append(iter([batch(1000, 4000)]))
    sink.finish()
    assert indexed(sink) == {"sku", "vector"}
    sink.upsert(iter([batch(4000, 4100, generation=2)]), "sku")
    sink.finish()
    for number in range(0, 4100, 130):
        found = sink.search(vector(number), limit=3)
        assert found[0]["_distance"] < 1e-6
        assert f"s{number}" in {one["sku"] for one in found}


def indexed(sink: Any) -> set[str]:
    """Return the columns that have an index."""
    return {name for index in sink._table().list_indices() for name in index.columns}


@pytest.mark.parametrize("kind", ["sq", "rq", "flat"])
def test_every_kind_of_index_finds_the_nearest(tmp_path: Path, kind: str) -> None:
    """The kinds differ in size and speed, not in what they find here."""
    sink = table(tmp_path, index=kind, index_from=500)
    sink.open(SCHEMA, "sku")
    sink.append(iter([batch(0, 990, size=64)]))
    sink.finish()
    assert "vector" in indexed(sink)
    hits = sum(sink.search(vector(number, 64), limit=1)[0]["sku"] == f"s{number}" for number in range(0, 990, 33))
    assert hits >= 29


def test_old_versions_are_left_for_who_reads_them(tmp_path: Path) -> None:
    """A scan that began before a clean-up ends with the rows that it began with."""
    sink = table(tmp_path)
    sink.open(SCHEMA, "sku")
    sink.append(iter([batch(0, 30_000)]))
    scan: Iterator[pa.RecordBatch] = table(tmp_path).scan(["sku"])
    seen = next(scan).num_rows
    sink.upsert(iter([batch(0, 30_000, generation=2)]), "sku")
    sink.delete([f"s{number}" for number in range(20_000)], "sku")
    sink.finish()
    assert seen + sum(one.num_rows for one in scan) == 30_000
    assert sink.count() == 10_000


def test_vectors_of_another_length_are_refused_by_their_key(tmp_path: Path) -> None:
    """In a batch, in a search, and in the schema of a later run."""
    sink = table(tmp_path)
    sink.open(SCHEMA, "sku")
    sink.append(iter([batch(0, 3)]))
    with pytest.raises(ConnectorError, match="vector of s7 has 4 numbers; the table's vectors have 8"):
        sink.upsert(iter([batch(7, 8, size=4)]), "sku")
    with pytest.raises(ConnectorError, match="a vector of 2 numbers was given; those of products have 8"):
        sink.search([1.0, 2.0])
    with pytest.raises(ConnectorError, match="vector is fixed_size_list"):
        table(tmp_path).open(SCHEMA.set(1, pa.field("vector", pa.list_(pa.float32(), 4))), "sku")
    assert sink.count() == 3


def test_a_table_of_somebody_else_is_refused_with_the_differences(tmp_path: Path) -> None:
    """Nothing is written into a table that isn't darner's."""
    sink = table(tmp_path)
    sink.database.create("products", pa.schema({"sku": pa.int64()}).append(pa.field("brand", pa.string())))
    with pytest.raises(ConnectorError) as caught:
        sink.open(SCHEMA, "sku")
    for said in ("vector is missing in it", "_darner_generation is missing in it", "brand is not in the rows", "sku is int64 there"):
        assert said in str(caught.value)


def test_names_that_lance_cannot_have_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    """With the name, and no table is left behind."""
    for name in ("a.b", "a`b", ""):
        with pytest.raises(ConnectorError, match="LanceDB can't have a column named"):
            table(tmp_path).open(SCHEMA.append(pa.field(name, pa.string())), "sku")
    assert table(tmp_path).database.names() == []


def test_a_table_that_is_not_there_is_an_error_with_its_neighbours(tmp_path: Path) -> None:
    """Searching before the job has run says what to do."""
    with pytest.raises(ConnectorError, match="there is no table products in") as caught:
        table(tmp_path).search([1.0])
    assert "run the job" in str(caught.value.help)
    sink = table(tmp_path)
    sink.open(SCHEMA, "sku")
    sink.append(iter([batch(0, 1)]))
    with pytest.raises(ConnectorError) as caught:
        registry.source("lancedb", with_={"url": "db", "table": "product"}, base=tmp_path).columns()
    assert "'products'" in str(caught.value.help)


def test_a_writer_that_is_killed_in_an_append_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Kill -9 in the middle of an append: the table is whole, and doing it again gives every row once."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; import test_lancedb as t\n"
        "sink = t.table(Path(sys.argv[1])); sink.open(t.SCHEMA, 'sku')\n"
        "sink.append(iter([t.batch(0, 100)]))\n"
        "def feed():\n"
        "    yield t.batch(100, 5000, shard=1)\n"
        "    os.kill(os.getpid(), 9)\n"
        "sink.append(feed())\n"
    )
    here = str(Path(__file__).parent)
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path), here], check=False).returncode == -9
    sink = table(tmp_path)
    sink.open(SCHEMA, "sku")
    assert sink.count() == 100
    sink.remove_shards(1, [1])
    sink.append(iter([batch(100, 5000, shard=1)]))
    keys = [key for one in sink.scan(["sku"]) for key in one.column(0).to_pylist()]
    assert sorted(keys) == sorted(f"s{number}" for number in range(5000))


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    """The message names the table, and no path of LanceDB's own source."""
    (tmp_path / "db").write_text("a file where the folder should be")
    sink = table(tmp_path)
    with pytest.raises(ConnectorError, match="the LanceDB table") as caught:
        sink.open(SCHEMA, "sku")
    assert ".rs" not in str(caught.value)


def test_nothing_is_warned_about(tmp_path: Path) -> None:
    """Standard error stays empty: warnings there worry people."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; import test_lancedb as t\n"
        "sink = t.table(Path(sys.argv[1]), index_from=300); sink.open(t.SCHEMA, 'sku'); sink.append(iter([t.batch(0, 500)]))\n"
        "sink.finish(); sink.upsert(iter([t.batch(0, 9, generation=2)]), 'sku'); sink.finish()\n"
        "sink.search(t.vector(1)); sink.get('s1'); sink.delete(['s1'], 'sku'); list(sink.scan())\n"
        # LanceDB warns of this one, as it does of some of its own doings in large tables.
        "sink._table().search(t.vector(1)).select(['sku']).limit(1).to_list()\n"
    )
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), here], check=True, capture_output=True, text=True)
    assert done.stderr == ""
