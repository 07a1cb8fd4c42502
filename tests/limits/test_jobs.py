"""A job's model calls keep to what a provider allows, over all its workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from darner.runtime.perform.limits.folder import SETTING
from darner.runtime.testing.allowance import Allowance
from darner.testing import ModelServer

SPEC = """\
darner: 1
name: enrich
models:
  small: {{use: "openai:small-1", base_url: "{url}", rate: {{requests: {rate}}}}}
datasets:
  feed: {{use: files, type: enriching:Product, key: sku, with: {{url: feed.jsonl}}}}
  out: {{use: parquet, type: enriching:Enriched, key: sku, with: {{url: out}}}}
agents:
  enricher:
    model: small
    prompt: "Sort {{{{ title }}}} into a category."
    input: enriching:Product
    output: enriching:Enriched
job:
  source: feed
  stages:
    - {{name: enrich, use: enricher, concurrency: 64}}
  sink: {{to: out}}
  checkpoint: {{rows: {shard}}}
"""
PYTHON = """\
from pydantic import BaseModel


class Product(BaseModel):
    sku: str
    title: str


class Enriched(Product):
    category: str
"""


def run(folder: Path, url: str, *, rows: int, shard: int, timeout: float) -> tuple[dict[str, Any], float]:
    """Run the job to its end; return what was told, and the seconds that it took."""
    (folder / "enrich.yaml").write_text(SPEC.format(url=url, rate="600/min" if rows < 100 else "6000/min", shard=shard))
    (folder / "enriching.py").write_text(PYTHON)
    (folder / "feed.jsonl").write_text("".join(json.dumps({"sku": f"p{n:05}", "title": f"thing {n}"}) + "\n" for n in range(rows)))
    command = [str(Path(sys.executable).with_name("darner")), "run", "enrich.yaml", "--json", "--store", "store"]
    environ = {**os.environ, SETTING: str(folder / "limits")}
    begun = time.monotonic()
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=timeout, env=environ)
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return told, time.monotonic() - begun


SCRIPT = "replies: [{answer: {category: tools}, usage: {input: 10, output: 5}}]"


@pytest.mark.soak
def test_a_job_s_workers_keep_to_one_rate_and_lose_no_row(tmp_path: Path) -> None:
    """Sixty rows in six shards, ten a second: every row is there, and next to none was refused."""
    allow = Allowance("600/min", form="date")
    with ModelServer(SCRIPT, allow=allow) as server:
        told, _ = run(tmp_path, server.base_url, rows=60, shard=10, timeout=240)
    assert told["status"] == "done"
    assert pq.read_table(tmp_path / "out").num_rows == 60
    assert (allow.passed, told["outputs"]["calls"]) == (60, 60)
    assert allow.refused <= 3


@pytest.mark.soak
def test_ten_thousand_calls_take_as_long_as_the_provider_lets_them(tmp_path: Path) -> None:
    """6,000 a minute are allowed: at least 95 % of it is used from the first call to the last, no row lost, at most 2 % refused."""
    times: list[float] = []

    class Noting(Allowance):
        def judge(self, now: float) -> tuple[bool, dict[str, str]]:
            times.append(now)
            return super().judge(now)

    allow = Noting("6000/min")
    with ModelServer(SCRIPT, allow=allow) as server:
        told, seconds = run(tmp_path, server.base_url, rows=10_000, shard=1000, timeout=1200)
    calling = times[-1] - times[0]
    figures = f"{calling:.1f} s of calls, {seconds:.1f} s in all, {allow.refused} refused"
    sys.stdout.write(f"\n10,000 calls at 6,000/min: {figures}\n")
    assert pq.read_table(tmp_path / "out").num_rows == 10_000, figures
    assert told["outputs"]["calls"] == 10_000, figures
    assert allow.refused <= 200, figures
    assert calling <= 100 / 0.95, figures
