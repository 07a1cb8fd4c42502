"""Stages on a card: batches that don't fit it are halved for their shard alone."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from .. import warm
from ..batch.stall import DARNER

SPEC = """
darner: 1
name: cards
datasets:
  feed: {use: files, type: gpu_steps:Product, key: sku, with: {url: feed.csv}}
  index: {use: parquet, with: {url: table}, type: gpu_steps:Embedded, key: sku}
resources:
  card: {memory: 6Gi, workers: 1, gpu: {type: any}, on_oom: [{batch: 16}, {batch: 4}]}
job:
  source: feed
  stages:
    - {name: embed, use: 'gpu_steps:Embedder', with: {width: 4}, batch: 64, resources: card}
  sink: {to: index}
  checkpoint: {rows: 100}
"""
SHARD, ROWS = 100, 300
HEAVY = range(SHARD + 64, SHARD + 76)
"""Twelve rows of the second shard: an eighth of the card each."""


def feed(folder: Path, price: int) -> None:
    rows = [f"s{number:03d},{'heavy' if number in HEAVY else 'light'},{price}.5" for number in range(ROWS)]
    (folder / "feed.csv").write_text("\n".join(["sku,title,price", *rows]) + "\n")


def run(folder: Path) -> dict[str, Any]:
    (folder / "embedded").unlink(missing_ok=True)
    ended = warm.run([str(DARNER), "run", "cards.yaml", "--json", "--store", "store"], imports=warm.JOBS, cwd=folder)
    assert ended.returncode == 0, ended.stderr[-4000:]
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def shards(folder: Path, generation: int) -> list[tuple[int, int]]:
    """Return the rung and the attempt that each shard was done on."""
    names = sorted((folder / "store" / "jobs" / "cards").glob(f"{generation:06d}/markers/00/*.json"))
    markers = [json.loads(name.read_text()) for name in names]
    return [(one.get("rung", 0), one["attempt"]) for one in markers]


def batches(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "embedded").read_text().splitlines()]


def test_a_batch_that_does_not_fit_the_card_is_made_smaller_for_that_shard_alone_and_the_rung_is_remembered(
    torch: None, tmp_path: Path
) -> None:
    """64, 16, 4: what the shard's batches gave before one was too large is kept; the next run begins with batches of 4."""
    shutil.copy(Path(__file__).with_name("gpu_steps.py"), tmp_path)
    (tmp_path / "cards.yaml").write_text(SPEC)
    feed(tmp_path, 1)
    report = run(tmp_path)
    assert (report["status"], report["outputs"]["written"], report["outputs"]["dead"]) == ("done", ROWS, 0), report
    assert shards(tmp_path, 1) == [(0, 1), (2, 3), (0, 1)]
    assert Counter(map(len, batches(tmp_path))) == Counter({64: 3, 36: 3, 16: 1, 4: 9})
    again = Counter(sku for batch in batches(tmp_path) for sku in batch)
    assert {sku for sku, times in again.items() if times > 1} == {f"s{number}" for number in range(SHARD + 64, 2 * SHARD)}
    feed(tmp_path, 2)
    assert run(tmp_path)["status"] == "done"
    assert shards(tmp_path, 2) == [(2, 1)] * 3
    assert {len(batch) for batch in batches(tmp_path)} == {4}
