"""The made-up feed: the same for the same seed, untidy in the shares that it promises."""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

import pyarrow.csv as pc
import pyarrow.parquet as pq

from .conftest import generate

generator: Any = importlib.import_module("catalog.generate")
stages: Any = importlib.import_module("catalog.stages")
types: Any = importlib.import_module("catalog.types")


def rows_of(count: int, **options: int) -> list[dict[str, Any]]:
    return [row for chunk in generator.Feed(count, **options).chunks() for row in chunk]


def test_a_seed_gives_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    """Two processes write the same file; another seed writes another."""
    files = [
        generate(tmp_path / "a.parquet", "--rows", "2000", hash_seed="1"),
        generate(tmp_path / "b.parquet", "--rows", "2000", hash_seed="2"),
        generate(tmp_path / "c.parquet", "--rows", "2000", "--seed", "8"),
    ]
    first, again, other = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    assert first == again
    assert first != other


def test_a_larger_feed_is_made_in_chunks_that_meet(tmp_path: Path) -> None:
    """Rows are numbered through, chunk after chunk, and there are exactly as many as were asked for."""
    rows = rows_of(26_000)
    assert len(rows) == 26_000
    fresh = [row["product_id"] for i, row in enumerate(rows) if row["product_id"] == f"P{i:07d}"]
    assert len(fresh) == 26_000 - round(26_000 * generator.REPEATED)


def test_three_rows_in_a_thousand_are_beyond_repair_and_no_other() -> None:
    """`normalise` refuses exactly the rows that the generator broke, and says why."""
    feed = generator.Feed(20_000)
    rows = [row for chunk in feed.chunks() for row in chunk]
    refused = {}
    for number, row in enumerate(rows):
        try:
            stages.normalise(types.Product(**row))
        except ValueError as error:
            refused[number] = str(error)
    assert set(refused) == set(feed.broken)
    assert len(refused) == 60
    assert len({message.split(" ")[1] for message in refused.values()}) >= 4


def test_keys_repeat_and_languages_mix() -> None:
    """0.4 % of the rows repeat an earlier key with other values; six languages are there."""
    rows = rows_of(20_000)
    keys = [row["product_id"] for row in rows]
    assert len(keys) - len(set(keys)) == 80
    listings = []
    for row in rows[:4000]:
        try:
            listings.append(stages.normalise(types.Product(**row)))
        except ValueError:
            continue
    languages = [listing.language for listing in listings]
    shares = {language: languages.count(language) / len(languages) for language in set(languages)}
    assert set(shares) == {"en", "de", "fr", "es", "pl", "ja"}
    assert 0.4 < shares["en"] < 0.65
    assert shares["ja"] > 0.02


def test_a_later_day_moves_prices_and_visits_and_leaves_the_rest() -> None:
    """On day 2 every row was visited, about 2 % have another price, a few are gone."""
    first = {row["product_id"]: row for row in rows_of(5000)}
    second = {row["product_id"]: row for row in rows_of(5000, day=2)}
    assert second.keys() < first.keys()
    assert len(first) - len(second) < 40
    assert all(second[key]["views"] > first[key]["views"] for key in second if second[key]["price"] == first[key]["price"])
    dearer = sum(1 for key in second if second[key]["price"] != first[key]["price"])
    assert 60 < dearer < 160


def test_all_formats_hold_the_same_rows(tmp_path: Path) -> None:
    """Parquet, CSV and JSONL agree (CSV can't tell an empty text from none)."""
    parquet = pq.read_table(generate(tmp_path / "f.parquet", "--rows", "500")).to_pylist()
    lines = generate(tmp_path / "f.jsonl", "--rows", "500", "--format", "jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == parquet
    options = pc.ConvertOptions(column_types=generator.SCHEMA, strings_can_be_null=True)
    parse = pc.ParseOptions(newlines_in_values=True)
    commas = pc.read_csv(generate(tmp_path / "f.csv", "--rows", "500", "--format", "csv"), convert_options=options, parse_options=parse)
    assert commas["product_id"].to_pylist() == [row["product_id"] for row in parquet]
    assert commas["description"].to_pylist() == [row["description"] for row in parquet]
