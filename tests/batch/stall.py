"""A market stall: a CSV feed through Python stages into a table of Parquet files, run with the `darner` command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import warm

DARNER = Path(os.environ.get("DARNER_COMMAND", Path(sys.executable).with_name("darner")))
SPEC = """
darner: 1
name: stall
datasets:
  feed: {{use: files, type: stall_code:Offer, key: sku, with: {{url: {url}}}}}
  prices: {{{sink}, type: stall_code:Priced, key: sku}}
job:
  source: feed
  stages:
    - {{name: normalise, use: 'stall_code:normalise'}}
    - {{name: price, use: 'stall_code:price'}}
  sink: {{to: prices, deletes: propagate}}
  dead_letter: {{max: {dead_max}}}
"""
CODE = """
import os
import sys
import time

from pydantic import BaseModel


class Offer(BaseModel):
    sku: str
    title: str
    price: float


class Clean(BaseModel):
    sku: str
    title: str
    price: float


class Priced(BaseModel):
    sku: str
    title: str
    cents: int
    vector: list[float]


def normalise(offer: Offer) -> Clean:
    with open("trace", "a") as trace:
        trace.write(offer.sku + "\\n")
    if offer.title == "exit":
        sys.exit(3)
    if offer.title == "slow":
        time.sleep(60)
    if offer.title == "wait":
        time.sleep(0.1)
    if offer.title == "vanish":
        os._exit(5)
    if offer.price <= 0:
        raise ValueError(f"the price {offer.price:g} is not above zero")
    return Clean(sku=offer.sku, title=offer.title.strip().lower(), price=offer.price)


def price(clean: Clean) -> Priced:
    return Priced(sku=clean.sku, title=clean.title, cents=round(clean.price * 100), vector=[clean.price, 1.0])
"""
PARQUET = "use: parquet, with: {url: table}"
LANCEDB = "use: lancedb, with: {url: table, table: prices}"
MEMORY = "use: memory"
Row = tuple[str, str, str]


def offers(count: int) -> list[Row]:
    """Return rows of a feed: key, title, price."""
    return [(f"s{number:03d}", f" Offer {number} ", f"{number + 1}.5") for number in range(count)]


@dataclass
class Stall:
    """A spec's folder."""

    folder: Path
    sink: str = PARQUET
    dead_max: str = "0%"
    url: str = "feed.csv"

    @classmethod
    def make(cls, folder: Path, rows: list[Row], **spec: str) -> Stall:
        """Write the folder."""
        folder.mkdir(exist_ok=True)
        stall = cls(folder, **spec)
        stall.feed(rows)
        stall.write()
        return stall

    def write(self) -> None:
        """Write the spec and its code again."""
        (self.folder / "stall.yaml").write_text(SPEC.format(sink=self.sink, dead_max=self.dead_max, url=self.url))
        (self.folder / "stall_code.py").write_text(CODE)

    def feed(self, rows: list[Row]) -> None:
        """Write the source."""
        (self.folder / "feed.csv").write_text("".join(",".join(row) + "\n" for row in [("sku", "title", "price"), *rows]))

    def command(self, *words: str) -> list[str]:
        """Return a command of this stall's store."""
        return [str(DARNER), *words, "--store", "store"]

    def darner(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return warm.run(self.command(*words), imports=warm.JOBS, cwd=self.folder)

    def start(self, *words: str) -> warm.Process:
        """Start one command."""
        return warm.Process(self.command(*words), imports=warm.JOBS, cwd=self.folder)

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the job, whatever comes of it."""
        return self.darner("run", "stall.yaml", "--engine", "in_memory", *more)

    def done(self, *more: str) -> dict[str, Any]:
        """Run the job, see that it is done, and return its report."""
        ended = self.run("--json", *more)
        assert ended.returncode == 0, ended.stderr[-4000:]
        report: dict[str, Any] = json.loads(ended.stdout)
        return report

    def called(self) -> int:
        """Return how many times the first stage was called."""
        trace = self.folder / "trace"
        return trace.read_bytes().count(b"\n") if trace.exists() else 0

    def keys(self) -> list[str]:
        """Return the keys in the sink, sorted."""
        from darner.connectors.registry import sink  # noqa: PLC0415 - brings pyarrow

        options = {"url": "table", "table": "prices"} if "lancedb" in self.sink else {"url": "table"}
        table = sink(self.sink.split()[1].strip(","), with_=options, key="sku", base=self.folder)
        return sorted(key for batch in table.scan(["sku"]) for key in batch.column(0).to_pylist())
