"""The catalogue's job from feed to search, as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import generate
from .running import Place, environment

ROWS = 3000


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a job that is done."""
    root = tmp_path_factory.mktemp("job")
    place = Place(root, generate(root / "feed.parquet", "--rows", str(ROWS)))
    ended = place.done("--json")
    report = json.loads(ended.stdout)
    assert report["status"] == "done"
    assert (report["outputs"]["source_rows"], report["outputs"]["dead"]) == (ROWS, 9)
    return place


def test_every_sound_product_is_in_the_index_once(indexed: Place) -> None:
    """3,000 rows: nine broken, twelve repeat a key; everything else is there, with unit vectors."""
    keys = pq.read_table(indexed.feed, columns=["product_id"])["product_id"].to_pylist()
    assert indexed.count() == len(set(keys)) - 9
    assert indexed.duplicates() == 0
    row = indexed.rows()[0]
    assert abs(sum(value * value for value in row["vector"]) - 1.0) < 1e-4


def test_the_later_of_two_equal_keys_is_the_one_that_is_indexed(indexed: Place) -> None:
    """A repeated key has another stock level; the index has the later one."""
    last: dict[str, int] = {}
    repeated = set()
    for row in pq.read_table(indexed.feed, columns=["product_id", "stock"]).to_pylist():
        if row["product_id"] in last:
            repeated.add(row["product_id"])
        last[row["product_id"]] = row["stock"]
    found = {row["product_id"]: row["stock"] for row in indexed.rows(["product_id", "stock"])}
    assert 10 <= len(repeated) <= 12
    assert all(found[key] == last[key] for key in repeated)


def test_broken_rows_are_dead_letters_that_say_why(indexed: Place) -> None:
    """Nine rows, each with its stage, its error and what the stage was given."""
    letters = [
        row for file in indexed.markers("dead") if file.suffix == ".arrow" for row in pa.ipc.open_file(str(file)).read_all().to_pylist()
    ]
    assert len(letters) == 9
    assert {letter["stage"] for letter in letters} == {"normalise"}
    assert {letter["type"] for letter in letters} == {"ValueError"}
    assert all(json.loads(letter["input"])["product_id"] == letter["_key"] for letter in letters)


def test_searches_find_what_was_asked_for(indexed: Place) -> None:
    """Five questions in two languages; the right category is among the best three answers of each."""
    wanted = {
        "waterproof hiking boots for women": "Hiking boots",
        "18V Akkuschrauber": "Cordless drills",
        "stainless steel water bottle 1 litre": "Water bottles",
        "noise cancelling headphones": "> Headphones >",
        "Kinderfahrrad 16 Zoll": "Kids' bikes",
    }
    script = (
        "import json, sys; from catalog.search import Index; index = Index(sys.argv[1])\n"
        "print(json.dumps({query: [row['category'] for row in index.search(query, 3)] for query in sys.argv[2:]}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(indexed.index), *wanted], check=True, capture_output=True, text=True, env=environment()
    )
    found = json.loads(done.stdout)
    assert [query for query in wanted if not any(wanted[query] in path for path in found[query])] == []


def test_a_day_later_only_what_is_read_and_changed_is_redone(indexed: Place, tmp_path: Path) -> None:
    """Every row was visited (nothing reads that); some prices moved and texts were edited: those alone are done again."""
    first = {row["product_id"]: row for row in pq.read_table(indexed.feed).to_pylist()}
    again = generate(tmp_path / "feed.parquet", "--rows", str(ROWS), "--day", "2")
    second = {row["product_id"]: row for row in pq.read_table(again).to_pylist()}
    unread = {"views", "colour", "material"}
    changed = {
        key for key in second.keys() & first.keys() if any(second[key][name] != first[key][name] for name in second[key].keys() - unread)
    }
    assert 0 < len(changed) < ROWS / 10
    indexed.feed.write_bytes(again.read_bytes())
    report = json.loads(indexed.done("--json").stdout)["outputs"]
    assert (report["changed"], report["new"]) == (len(changed), len(second.keys() - first.keys()))
    assert report["deleted"] == len(first.keys() - second.keys())
    fresh = Place(tmp_path, again)
    fresh.done()
    assert indexed.digest() == fresh.digest()


def test_nothing_changed_is_decided_without_beam(indexed: Place) -> None:
    """The third run of the same feed plans, finds nothing, and never imports Beam."""
    ended = subprocess.run(
        indexed.command("--json"),
        check=True,
        capture_output=True,
        text=True,
        env=environment() | {"PYTHONPROFILEIMPORTTIME": "1", "HOME": os.environ.get("HOME", "/tmp")},  # noqa: S108 - only a fallback
        cwd=indexed.root,
    )
    report = json.loads(ended.stdout)["outputs"]
    assert report["rows"] == 0
    assert "darner" in ended.stderr
    assert "apache_beam" not in ended.stderr
