"""An agent as a job's stage, run by the command against a real server on loopback."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .. import warm

SPEC = """\
darner: 1
name: enrich
models:
  small: {use: "openai:small-1", price: {input: 1.00 USD, output: 2.00 USD}}
datasets:
  feed: {use: files, type: enriching:Product, key: sku, with: {url: feed.jsonl}}
  out: {use: parquet, type: enriching:Enriched, key: sku, with: {url: out}}
tools:
  remember: {use: enriching:remember, effects: write, idempotent: true}
agents:
  enricher:
    model: small
    prompt: "Sort {{ title }} into a category."
    input: enriching:Product
    output: enriching:Enriched
    tools: [remember]
    limits: {turns: 4}
job:
  source: feed
  stages:
    - {name: enrich, use: enricher, concurrency: 4, on_failure: {semantic: {attempts: 2, then: dead_letter}}}
  sink: {to: out}
  dead_letter: {max: 50%}
"""
PYTHON = '''\
from pathlib import Path

from pydantic import BaseModel


class Product(BaseModel):
    sku: str
    title: str
    price: float


class Enriched(Product):
    category: str


class Sorted(BaseModel):
    sku: str
    category: str


def remember(title: str, idempotency_key: str) -> str:
    """Write a title down, once for each key."""
    Path("notes", idempotency_key).write_text(title)
    return "noted"
'''
SCRIPT = """\
replies:
  - when: {turn: 1, text: "Sort (?P<title>drill)"}
    call: {remember: {title: "{title}"}}
  - when: {result: remember}
    answer: {category: tools}
  - when: {text: "Sort (?P<title>boot)"}
    answer: {category: shoes}
  - when: {text: "Sort"}
    answer: {colour: red}
"""
REPLACING = """\
replies:
  - when: {text: 'Sort drill .(?P<sku>\\w).'}
    answer: {sku: "{sku}", category: tools}
  - when: {text: 'Sort boot .(?P<sku>\\w).'}
    answer: {sku: "{sku}", category: shoes}
  - when: {text: "Sort"}
    answer: {colour: red}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spec with an agent as its stage, and a feed of six products: two drills, three boots, one that nobody can sort."""
    (tmp_path / "enrich.yaml").write_text(SPEC)
    (tmp_path / "enriching.py").write_text(PYTHON)
    (tmp_path / "script.yaml").write_text(SCRIPT)
    (tmp_path / "darner.toml").write_text('[target.scripted.models.small]\nscript = "script.yaml"\n')
    (tmp_path / "notes").mkdir()
    feed(
        tmp_path,
        {"a": ("drill", 10.0), "b": ("drill", 20.0), "c": ("boot", 30.0), "d": ("boot", 40.0), "e": ("boot", 50.0), "f": ("thing", 1.0)},
    )
    return tmp_path


def feed(folder: Path, products: dict[str, tuple[str, float]]) -> None:
    lines = [json.dumps({"sku": sku, "title": title, "price": price}) for sku, (title, price) in products.items()]
    (folder / "feed.jsonl").write_text("\n".join(lines) + "\n")


def run(folder: Path) -> dict[str, Any]:
    command = [str(Path(sys.executable).with_name("darner")), "run", "enrich.yaml", "--target", "scripted", "--json", "--store", "store"]
    ended = warm.run(command, imports=(*warm.JOBS, *warm.MODELS), cwd=folder)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def spent(told: dict[str, Any]) -> float:
    return float(told["cost"].removesuffix(" USD"))


def made(told: dict[str, Any]) -> int:
    calls: int = told["outputs"]["calls"]
    return calls


def rows(folder: Path) -> dict[str, tuple[str, float]]:
    table = pq.read_table(folder / "out")
    return {row["sku"]: (row["category"], row["price"]) for row in table.to_pylist()}


def test_an_agent_enriches_rows_and_a_new_price_reaches_the_sink_without_asking_again(folder: Path) -> None:
    """New fields come from the model, the rest is carried over; what the prompt doesn't read redoes nothing."""
    first = run(folder)
    assert rows(folder) == {"a": ("tools", 10.0), "b": ("tools", 20.0), "c": ("shoes", 30.0), "d": ("shoes", 40.0), "e": ("shoes", 50.0)}
    assert first["status"] == "done"
    assert spent(first) > 0
    assert made(first) == 2 + 2 + 3 + 2, "a row that failed was paid for, too"
    assert len(list((folder / "notes").iterdir())) == 2, "two rows that ask for the same write are two writes"
    assert first["outputs"]["failures"]["semantic"]["attempts"] == 2
    (dead,) = pa.ipc.open_file(next((folder / "store").glob("jobs/enrich/*/dead/00-*.arrow")).read_bytes()).read_all().to_pylist()
    assert (dead["_key"], dead["failure"], dead["attempts"]) == ("f", "semantic", 2), "two answers were refused"

    feed(
        folder,
        {"a": ("drill", 11.0), "b": ("drill", 20.0), "c": ("boot", 30.0), "d": ("boot", 40.0), "e": ("boot", 50.0), "f": ("thing", 1.0)},
    )
    second = run(folder)
    assert rows(folder)["a"] == ("tools", 11.0)
    assert made(second) == 0


def test_an_agent_whose_output_replaces_the_row_gets_its_input_whole(folder: Path) -> None:
    """The prompt reads two fields; the input's type has a third, and it is there."""
    text = SPEC.replace("enriching:Enriched", "enriching:Sorted").replace("Sort {{ title }}", "Sort {{ title }} ({{ sku }})")
    (folder / "enrich.yaml").write_text(text)
    (folder / "script.yaml").write_text(REPLACING)
    told = run(folder)
    assert told["outputs"]["dead"] == 1
    table = pq.read_table(folder / "out")
    assert {row["sku"]: row["category"] for row in table.to_pylist()} == {
        "a": "tools",
        "b": "tools",
        "c": "shoes",
        "d": "shoes",
        "e": "shoes",
    }
