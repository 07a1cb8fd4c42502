"""Files and tables in a bucket of a real S3 server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from darner.connectors import registry, testing
from darner.connectors.errors import ConnectorError
from darner.connectors.ports import GENERATION, SHARD
from darner.connectors.rows import to_rows

from ..servers import S3Server

NAMES = ("sku", "title ä", "no te")


def options(s3: S3Server) -> dict[str, Any]:
    """Return the server's options as fsspec names them."""
    return {"endpoint_url": s3.endpoint, "key": "any", "secret": "any"}


def write(s3: S3Server, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put a Parquet file into the bucket."""
    system = fsspec.filesystem("s3", **options(s3))
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(dict.fromkeys(NAMES, pa.string())))
    with system.open(s3.url(name), "wb") as file:
        pq.write_table(table, file, row_group_size=5000)


@pytest.mark.parametrize("check", testing.READABLE, ids=testing.name)
def test_files_in_a_bucket_keep_the_promises_of_a_source(check: testing.Check, s3: S3Server) -> None:
    """Parquet by glob, in two files."""

    def make(rows: Sequence[Mapping[str, Any]]) -> Any:
        half = -(-len(rows) // 2)
        write(s3, f"{check.__name__}/a.parquet", rows[:half])
        write(s3, f"{check.__name__}/b.parquet", rows[half:])
        return registry.source("files", with_={"url": s3.url(f"{check.__name__}/*.parquet"), "storage": options(s3)})

    check(make)


def test_a_text_file_in_a_bucket_is_read(s3: S3Server) -> None:
    """CSV, broken row and all; the place names its whole address."""
    with fsspec.filesystem("s3", **options(s3)).open(s3.url("text/a.csv"), "wb") as file:
        file.write(b"a,b\n1,2\nbroken\n")
    source = registry.source("files", with_={"url": s3.url("text/a.csv"), "storage": options(s3)})
    ((place, batch),) = [found for part in source.ranges() for found in source.read(part)]
    assert place.file == s3.url("text/a.csv")
    assert [row["_raw"] for row in to_rows(batch)] == [None, "broken"]


def test_what_is_missing_in_a_bucket_is_said_with_what_is_near(s3: S3Server) -> None:
    """A typo in an object's name, and a bucket that isn't there."""
    write(s3, "near/products.parquet", [])
    with pytest.raises(ConnectorError, match="there is no file s3://") as caught:
        registry.source("files", with_={"url": s3.url("near/prodcts.parquet"), "storage": options(s3)}).ranges()
    assert "products.parquet" in str(caught.value.help)
    with pytest.raises(ConnectorError):
        registry.source("files", with_={"url": "s3://no-such-bucket/x.parquet", "storage": options(s3)}).ranges()


def test_a_server_that_does_not_answer_is_a_clear_error() -> None:
    """No foreign exception leaves the connector."""
    storage = {"endpoint_url": "http://127.0.0.1:9", "key": "any", "secret": "any", "config_kwargs": {"retries": {"max_attempts": 1}}}
    with pytest.raises(ConnectorError, match=r"s3://b/x\.parquet can't be looked at"):
        registry.source("files", with_={"url": "s3://b/x.parquet", "storage": storage}).ranges()


def test_a_table_in_a_bucket_is_written_and_searched(s3: S3Server) -> None:
    """Append, upsert under the generation rule, delete, search."""
    storage = {
        "aws_endpoint": s3.endpoint,
        "aws_access_key_id": "any",
        "aws_secret_access_key": "any",
        "aws_region": "us-east-1",
        "allow_http": True,
    }
    sink: Any = registry.sink("lancedb", with_={"url": s3.url("index"), "table": "t", "storage": storage}, key="sku")
    schema = pa.schema({"sku": pa.string(), "vector": pa.list_(pa.float32(), 2), GENERATION: pa.int64(), SHARD: pa.int64()})

    def rows(generation: int, **vectors: list[float]) -> Any:
        made = [{"sku": sku, "vector": vector, GENERATION: generation, SHARD: 0} for sku, vector in vectors.items()]
        return iter([pa.RecordBatch.from_pylist(made, schema=schema)])

    sink.open(schema, "sku")
    sink.append(rows(1, a=[1, 0], b=[0, 1], c=[1, 1]))
    sink.upsert(rows(2, b=[2, 2.5]), "sku")
    sink.upsert(rows(1, b=[0, 1], d=[-1, 0]), "sku")
    sink.delete(["c"], "sku")
    sink.finish()
    assert [row["sku"] for row in sink.search([2, 2.5], limit=2)] == ["b", "a"]
    assert sink.count() == 3
