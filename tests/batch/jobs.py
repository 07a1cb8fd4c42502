"""Jobs for tests: a spec's folder with its Python and feed, run in a process of its own as a user would."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .. import warm

HERE = Path(__file__).parent
SPEC = """
darner: 1
name: shop
datasets:
  feed: {{use: files, type: shop:Product, key: sku, with: {{url: feed.parquet}}}}
  index: {{use: "shop:file_table", type: {sink_type}, key: sku, with: {{path: index.jsonl}}}}
resources:
{resources}
{agents}
job:
  source: feed
  stages:
{stages}
  sink: {{to: index{sink}}}
  checkpoint: {{rows: {shard_rows}}}
  dead_letter: {{max: {dead_max}}}
"""
STAGES = (
    "{name: normalise, use: 'shop:normalise'}",
    "{name: classify, use: 'shop:classify', batch: 64, resources: cpu}",
    "{name: embed, use: 'shop:Embedder', with: {dim: 3}, batch: 64, resources: cpu}",
)
IMPORTS = (*warm.JOBS, "numpy")
"""What a driver of the shop needs."""
Row = dict[str, Any]


def products(count: int, **titles: Iterable[int]) -> list[Row]:
    """Return ``count`` products; ``titles`` gives the rows (by number) whose title is something else."""
    rows = [{"sku": f"p{number:06d}", "title": f" Product {number} ", "price": float(number % 10), "note": None} for number in range(count)]
    for title, numbers in titles.items():
        for number in numbers:
            rows[number]["title"] = title
    return rows


@dataclass
class Project:
    """A spec's folder. ``spec`` are the parts of SPEC that differ from one test to the next."""

    folder: Path
    spec: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, rows: list[Row], *, stages: Iterable[str] = STAGES, **spec: str) -> Project:
        """Write the folder."""
        folder.mkdir(exist_ok=True)
        shutil.copy(HERE / "shop.py", folder / "shop.py")
        shutil.copy(HERE / "drive.py", folder / "drive.py")
        project = cls(folder, {"stages": "\n".join(f"    - {one}" for one in stages), **spec})
        project.feed(rows)
        project.write()
        return project

    def write(self) -> None:
        """Write the spec again."""
        parts = {
            "resources": "  cpu: {memory: 1Gi}",
            "sink_type": "shop:Indexed",
            "agents": "", "sink": "", "shard_rows": "500", "dead_max": "0%", **self.spec,
        }  # fmt: skip
        (self.folder / "index.yaml").write_text(SPEC.format(**parts))

    def feed(self, rows: list[Row]) -> None:
        """Write the source."""
        columns: dict[str, Any] = {"sku": pa.string(), "title": pa.string(), "price": pa.float64(), "note": pa.string()}
        schema = pa.schema(columns)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), self.folder / "feed.parquet")

    def start(self, *, faults: Sequence[Mapping[str, str]] = (), **call: Any) -> warm.Process:
        """Start a driver. ``faults`` say what is to happen where (see `drive`)."""
        environ = {**os.environ, "SHOP_TRACE": str(self.folder / "trace"), "SHOP_FAULTS": json.dumps(list(faults))}
        command = [sys.executable, "drive.py", json.dumps(call)]
        return warm.Process(command, imports=IMPORTS, cwd=self.folder, env=environ)

    def run(self, *, faults: Sequence[Mapping[str, str]] = (), **call: Any) -> dict[str, Any]:
        """Run a driver to its end; return its report, or ``{"killed": True}``."""
        with self.start(faults=faults, **call) as driver:
            out, err = driver.communicate(timeout=280)
        if driver.returncode == -signal.SIGKILL:
            return {"killed": True}
        assert driver.returncode == 0, err
        report: dict[str, Any] = json.loads(out)
        return report

    def rows(self) -> list[Row]:
        """Return the sink's rows, without what darner adds, by key."""
        path = self.folder / "index.jsonl"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return sorted(({name: value for name, value in row.items() if name[0] != "_"} for row in found), key=lambda row: row["sku"])

    def digest(self) -> str:
        """Return a digest over the sink's sorted rows."""
        return hashlib.sha256(json.dumps(self.rows(), sort_keys=True).encode()).hexdigest()

    def processed(self) -> int:
        """Return how many times the first stage was called for a row."""
        trace = self.folder / "trace"
        return trace.read_bytes().count(b"\n") if trace.exists() else 0

    def objects(self, pattern: str) -> list[Path]:
        """Return objects of the store by glob below the job's folder."""
        return sorted((self.folder / "store" / "jobs" / "shop").glob(pattern))
