"""The table of Parquet files beyond the conformance suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from darner.connectors import registry
from darner.connectors.conformance.expect import SCHEMA, batches, row, titles
from darner.connectors.errors import ConnectorError


def table(folder: Path) -> Any:
    """Return a table that is open for rows of the conformance suite."""
    sink = registry.sink("parquet", with_={"url": "t"}, base=folder)
    sink.open(SCHEMA, "key")
    return sink


def test_other_programs_read_the_folder(tmp_path: Path) -> None:
    """The files are plain Parquet, and the connector `files` reads them."""
    sink = table(tmp_path)
    sink.append(batches(row("a"), row("b")))
    sink.upsert(batches(row("b", "new", generation=2), row("c")), "key")
    plain = pq.read_table(tmp_path / "t")
    assert set(plain.column("key").to_pylist()) == {"a", "b", "c"}
    assert plain.num_rows == 3
    source = registry.source("files", with_={"url": "t"}, base=tmp_path)
    assert sum(batch.num_rows for part in source.ranges() for _, batch in source.read(part)) == 3


def test_a_file_that_was_never_committed_is_no_part_of_the_table(tmp_path: Path) -> None:
    """A crash between a file and the commit leaves a stray file; the next commit removes it."""
    sink = table(tmp_path)
    sink.append(batches(row("a")))
    sink.folder.write("rows-00000099.parquet", batches(row("stray")), SCHEMA)
    assert list(titles(table(tmp_path))) == ["a"]
    table(tmp_path).append(batches(row("b")))
    assert sorted(one.name for one in (tmp_path / "t").glob("*rows-*")) == ["rows-00000001.parquet", "rows-00000002.parquet"]


def test_a_writer_that_is_killed_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Kill -9 in the middle of an append and of an upsert."""
    table(tmp_path).append(batches(row("a"), row("b")))
    for verb in ("sink.append(feed())", "sink.upsert(feed(), 'key')"):
        code = (
            "import os, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; import test_parquet_table as t\n"
            "def feed():\n"
            "    yield from t.batches(t.row('a', 'new', generation=2), t.row('c'))\n"
            "    os.kill(os.getpid(), 9)\n"
            f"sink = t.table(Path(sys.argv[1])); {verb}\n"
        )
        command = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)]
        assert subprocess.run(command, check=False).returncode == -9
        assert titles(table(tmp_path)) == {"a": "a title", "b": "a title"}


def test_a_feeds_own_value_error_is_not_taken_for_the_disks(tmp_path: Path) -> None:
    """What user code raises keeps its type."""

    def feed() -> Iterator[pa.RecordBatch]:
        yield from batches(row("a"))
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        table(tmp_path).append(feed())
    assert not list((tmp_path / "t").glob("*rows-*"))


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written into, or removed from, a folder that is no table."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "thesis.odt").write_text("years of work")
    with pytest.raises(ConnectorError, match=r"is no table, and not empty: it holds thesis\.odt"):
        table(tmp_path)
    assert [one.name for one in (tmp_path / "t").iterdir()] == ["thesis.odt"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """A scan over a file that is cut short is an error, not fewer rows."""
    sink = table(tmp_path)
    sink.append(batches(row("a")))
    path = tmp_path / "t" / "rows-00000001.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ConnectorError, match=str(tmp_path / "t")):
        list(sink.scan())


def test_a_bucket_is_refused_with_another_way(tmp_path: Path) -> None:
    """A table of Parquet files is local."""
    with pytest.raises(ConnectorError) as caught:
        registry.sink("parquet", with_={"url": "s3://b/t"}, base=tmp_path)
    assert "LanceDB" in str(caught.value.help)
