"""Durable steps beside the least that durability can cost: an append and an fsync."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store

from ..catalog.running import DARNER
from .contest import JOBS, environment
from .measure import measure
from .report import Page, Table

pytestmark = pytest.mark.bench
STEPS = int(os.environ.get("DARNER_BENCH_STEPS", "3000"))


def raw(folder: Path, record: bytes) -> float:
    """Return how many appends with an fsync each this disk does in a second."""
    file = os.open(folder / "raw", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    began = time.perf_counter()
    for _ in range(STEPS):
        os.write(file, record)
        os.fsync(file)
    os.close(file)
    return STEPS / (time.perf_counter() - began)


def run(spec: str, store: Path) -> tuple[float, float, float]:
    """Return a flow's steps per second by its journal's own times, its bytes a step, and the seconds around them."""
    command = [str(DARNER), "run", str(JOBS / spec), "--run", "bench", "--store", str(store), "-i", f"count={STEPS}", "--json"]
    seconds = measure(command, environment(), store.parent).seconds
    times = [event.at for event in read_events(open_store(store), "bench")]
    spent = max(times) - min(times)
    size = sum(file.stat().st_size for file in store.glob("runs/bench/journal/*"))
    return STEPS / spent, size / STEPS, seconds - spent


def test_durable_steps(page: Page, tmp_path: Path) -> None:
    """A map over steps that do nothing, one at a time and 64 at a time."""
    found = Table(
        "Durable steps of a flow",
        ("", "steps/s", "of raw append + fsync", "bytes a step", "start-up"),
        f"{STEPS:,} steps that do nothing; each result is on the disk before the next step that needs it.",
    )
    fastest = raw(tmp_path, bytes(200))
    found.add("raw append of 200 bytes + fsync", f"{fastest:,.0f}", "100%", "200", "")
    for name, spec in (("one at a time", "steps.yaml"), ("64 at a time", "wide_steps.yaml")):
        speed, size, around = run(spec, tmp_path / spec)
        found.add(name, f"{speed:,.0f}", f"{speed / fastest:.0%}", f"{size:,.0f}", f"{around:.1f} s")
    page.append(found)
