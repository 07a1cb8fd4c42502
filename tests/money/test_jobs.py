"""What a job's rows cost: its budget is judged over all its drivers, and its failures are in its markers."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from darner.testing import ModelServer

from .. import warm
from .selling import given

SPEC = """\
darner: 1
name: sort
models:
  small: {{use: "openai:small-1", base_url: "{url}", price: {{input: 1.00 USD, output: 2.00 USD}}}}
datasets:
  feed: {{use: files, type: sorting:Product, key: sku, with: {{url: feed.jsonl}}}}
  out: {{use: parquet, type: sorting:Sorted, key: sku, with: {{url: out}}}}
agents:
  sorter: {{model: small, prompt: "Sort {{{{ title }}}}.", input: sorting:Product, output: sorting:Sorted}}
job:
  source: feed
  stages:
    - {{name: weigh, use: "sorting:weigh"}}
    - {{name: sort, use: sorter, concurrency: 1, on_failure: {{semantic: {{attempts: 2, then: dead_letter}}}}}}
  sink: {{to: out}}
  checkpoint: {{rows: 2}}
  dead_letter: {{max: 50%}}
  budget: {budget}
"""
PYTHON = """\
from pydantic import BaseModel


class Product(BaseModel):
    sku: str
    title: str


class Sorted(Product):
    category: str


def weigh(product: Product) -> Product:
    if product.title == "fog":
        raise ValueError("nobody can weigh fog")
    return product
"""
TITLES = ["mug", "pot", "fog", "pan", "cup", "jug", "hat", "tin", "box", "bag", "pen", "tub"]
SCRIPT = """\
replies:
  - {when: {text: "Sort pot"}, fail: {status: 429, retry_after: 0}, times: 1}
  - {when: {text: "Sort cup"}, answer: {colour: red}, usage: {input: 50, output: 25}, times: 1}
  - {answer: {category: things}, usage: {input: 100, output: 100}}
"""
ROW = Decimal("0.0003")


class Job:
    """A job of twelve rows, one of which can't be weighed, in shards of two."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.folder = folder
        self.server = server
        (folder / "sorting.py").write_text(PYTHON)
        rows = [json.dumps({"sku": f"{number:02}", "title": title}) for number, title in enumerate(TITLES)]
        (folder / "feed.jsonl").write_text("\n".join(rows) + "\n")

    def run(self, budget: str) -> Any:
        """Run it under a budget, and return what it says."""
        (self.folder / "sort.yaml").write_text(SPEC.format(url=self.server.base_url, budget=budget))
        return self("run", "sort.yaml", "--engine", "in_memory", "--json")

    def __call__(self, *words: str) -> Any:
        """Run a command, and return what it prints: an object with --json, else text."""
        command = [str(Path(sys.executable).with_name("darner")), *words, "--store", "store"]
        ended = warm.run(command, imports=(*warm.JOBS, *warm.MODELS), cwd=self.folder)
        assert ended.returncode in {0, 1}, ended.stderr
        return json.loads(ended.stdout) if "--json" in words else ended.stdout

    @property
    def billed(self) -> Decimal:
        """What the server's answers cost."""
        return sum((Decimal(sent + 2 * came) / 1_000_000 for sent, came in given(self.server)), Decimal(0))


@pytest.mark.parametrize("budget", ["{cost: 0.0011 USD}", "{tokens: 700}"])
def test_a_job_over_its_budget_stops_and_goes_on_with_what_it_had_spent(tmp_path: Path, budget: str) -> None:
    """Overshot by one shard of its one worker at the most; raised, it goes on, nothing is asked twice, and the sums are the server's."""
    with ModelServer(SCRIPT) as server:
        job = Job(tmp_path, server)
        told = job.run(budget)
        assert told["status"] == "failed"
        assert "the job has used up its budget." in told["error"]
        spent = Decimal(told["cost"].removesuffix(" USD"))
        assert spent == job.billed
        assert Decimal("0.0011") <= spent <= Decimal("0.0011") + 2 * ROW
        before = server.requests
        again = job.run(budget)
        assert (again["status"], server.requests) == ("failed", before), "what was spent is not forgotten"
        done = job.run("{cost: 1.00 USD}")
        assert done["status"] == "done"
        assert Decimal(done["cost"].removesuffix(" USD")) == job.billed == 11 * ROW + Decimal("0.0001")
        assert server.requests == 13


def test_a_jobs_failures_are_in_its_report_in_show_and_in_the_stores_totals(tmp_path: Path) -> None:
    """A throttled request, an answer that was refused, and a row that raised: attempts, tokens and money, exactly."""
    with ModelServer(SCRIPT) as server:
        job = Job(tmp_path, server)
        told = job.run("{cost: 1.00 USD}")
    failures = told["outputs"]["failures"]
    assert {name: (one["attempts"], one["calls"], one["tokens"], one["cost"]) for name, one in failures.items()} == {
        "error": (1, 1, 0, "0"), "semantic": (1, 1, 75, "0.0001"), "throttled": (1, 1, 0, "0"),
    }  # fmt: skip
    shown = job("show", "sort", "--failures")
    assert "class" in shown.splitlines()[1]
    assert "nobody can weigh fog" in shown
    assert "failed attempts: 3 (" in job("show", "sort")
    rows = job("failures", "--json")["rows"]
    assert {(one["spec"], one["class"], one["attempts"]) for one in rows} == {
        ("sort", "error", 1), ("sort", "semantic", 1), ("sort", "throttled", 1),
    }  # fmt: skip
