"""Parquet files as a source."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from darner.connectors import registry
from darner.connectors.errors import ConnectorError
from darner.connectors.rows import to_rows


def write(path: Path, start: int, rows: int, **more: list[str]) -> Path:
    """Write a Parquet file of rows ``start`` … with row groups of 1,000."""
    table = pa.table({"sku": [f"{n:05}" for n in range(start, start + rows)], "price": [n / 2 for n in range(rows)], **more})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=1000)
    return path


def test_a_globs_files_are_read_in_order_with_the_place_of_every_batch(tmp_path: Path) -> None:
    """Files come sorted, rows in file order, and each batch tells its file and first row."""
    write(tmp_path / "b.parquet", 70_000, 10)
    write(tmp_path / "a.parquet", 0, 70_000)
    source = registry.source("files", with_={"url": "*.parquet"}, base=tmp_path)
    seen = []
    for part in source.ranges():
        for place, batch in source.read(part, ["sku"]):
            assert batch.schema.names == ["sku"]
            offset = 0 if place.file == "a.parquet" else 70_000
            assert batch.column(0)[0].as_py() == f"{place.row - 1 + offset:05}"
            seen += [row["sku"] for row in to_rows(batch)]
    assert seen == [f"{n:05}" for n in range(70_010)]
    assert [part.file for part in source.ranges()] == ["a.parquet", "a.parquet", "b.parquet"]


def test_a_missing_file_is_named_with_what_is_near(tmp_path: Path) -> None:
    """The message names what was asked for, the help what there is."""
    write(tmp_path / "products.parquet", 0, 1)
    source = registry.source("files", with_={"url": "prodcts.parquet"}, base=tmp_path)
    with pytest.raises(ConnectorError, match=r"there is no file prodcts\.parquet") as caught:
        source.ranges()
    assert caught.value.help is not None
    assert "products.parquet" in caught.value.help


def test_files_with_different_columns_are_refused_by_both_names(tmp_path: Path) -> None:
    """Nothing is read as null because one file lacks it."""
    write(tmp_path / "a.parquet", 0, 1)
    write(tmp_path / "b.parquet", 0, 1, brand=["x"])
    source = registry.source("files", with_={"url": "*.parquet"}, base=tmp_path)
    with pytest.raises(ConnectorError, match=r"a\.parquet and b\.parquet have different columns: the second adds brand"):
        source.ranges()


@pytest.mark.parametrize("kept", [0, 4, 100, -100])
def test_a_truncated_file_is_named(tmp_path: Path, kept: int) -> None:
    """A file that is cut short is an error that names it, before any row is given."""
    whole = write(tmp_path / "feed.parquet", 0, 5000)
    whole.write_bytes(whole.read_bytes()[:kept])
    source = registry.source("files", with_={"url": "feed.parquet"}, base=tmp_path)
    with pytest.raises(ConnectorError, match=r"feed\.parquet can't be read"):
        source.ranges()
