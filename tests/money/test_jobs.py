"""What a job's rows cost: its budget is judged over all its drivers, and its failures are in its markers."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan
from darner.runtime.batch.model import Marker
from darner.runtime.batch.working.spending import Spending
from darner.runtime.failures import Exhausted
from darner.runtime.journal import paths
from darner.runtime.journal.store import open_store
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


def test_a_job_over_its_budget_stops_goes_on_with_what_it_had_spent_and_says_what_failures_cost(tmp_path: Path) -> None:
    """Overshot by one shard of its one worker at the most; raised, it goes on, nothing is asked twice, and the sums are the server's.

    Its failures (a throttled request, a refused answer, a row that raised) are in its report, in `show` and in the store's totals.
    """
    with ModelServer(SCRIPT) as server:
        job = Job(tmp_path, server)
        told = job.run("{cost: 0.0011 USD}")
        assert told["status"] == "failed"
        assert "the job has used up its budget.cost: " in told["error"]
        spent = Decimal(told["cost"].removesuffix(" USD"))
        assert spent == job.billed
        assert Decimal("0.0011") <= spent <= Decimal("0.0011") + 2 * ROW
        before = server.requests
        again = job.run("{cost: 0.0011 USD}")
        assert (again["status"], server.requests) == ("failed", before), "what was spent is not forgotten"
        done = job.run("{cost: 1.00 USD}")
        assert done["status"] == "done"
        assert Decimal(done["cost"].removesuffix(" USD")) == job.billed == 11 * ROW + Decimal("0.0001")
        assert server.requests == 13
    failures = done["outputs"]["failures"]
    assert {name: (one["attempts"], one["calls"], one["tokens"], one["cost"]) for name, one in failures.items()} == {
        "error": (1, 1, 0, "0"), "semantic": (1, 1, 75, "0.0001"), "throttled": (1, 1, 0, "0"),
    }  # fmt: skip
    shown = job("show", "sort", "--failures")
    assert "class" in shown.splitlines()[1]
    assert "nobody can weigh fog" in shown
    rows = job("failures", "--json")["rows"]
    assert {(one["spec"], one["class"], one["attempts"]) for one in rows} == {
        ("sort", "error", 1), ("sort", "semantic", 1), ("sort", "throttled", 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("budget", "named"), [({"cost": "0.0030 USD"}, "cost"), ({"tokens": 100}, "tokens"), ({"time": "10s"}, None), ({"time": "5s"}, "time")]
)
def test_a_jobs_budget_is_of_all_its_drivers(tmp_path: Path, budget: dict[str, Any], named: str | None) -> None:
    """Money and tokens are in the markers; the time of earlier drivers is written down."""
    store = open_store(tmp_path)
    store.put(paths.spent("j", 1), b'{"seconds": 6.0}')
    plan = Plan.model_validate({"plan": "j", "budget": budget})
    done = [Marker(shard=one, group=0, attempt=1, outcome="done", tokens=60, cost=Decimal("0.0015")) for one in (0, 1)]
    spending = Spending(store, "j", 1, plan)
    if named is None:
        spending.refuse_over(done)
        spending.note(at_last=True)
        assert Spending(store, "j", 1, plan).seconds >= 6.0
    else:
        with pytest.raises(Exhausted, match=rf"budget\.{named}: "):
            spending.refuse_over(done)
