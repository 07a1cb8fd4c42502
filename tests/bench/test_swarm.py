"""Two hundred sessions of fifty steps under way at once in one process, in a folder and in a bucket; all killed in the middle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from ..servers import seaweed
from .report import Page, Table, gigabytes
from .runners import Runner

pytestmark = pytest.mark.bench
SESSIONS = int(os.environ.get("DARNER_BENCH_SWARM", "200"))
STEPS = int(os.environ.get("DARNER_BENCH_SWARM_STEPS", "50"))
WAYS = (("one run, a map of sessions", "map"), ("a run a session, in threads", "runs"))
COLUMNS = ("", "steps/s", "peak memory", "a session", "killed in the middle: to the end", "peak memory then", "done again")
ABOUT = (
    f"{SESSIONS} sessions of {STEPS} steps, all under way at once in one process: undisturbed, and killed with SIGKILL at half of all "
    "steps, then gone on with in another process until all are done (start-up is left out). a session: the memory that each takes "
    "beyond those of a process with one. Done again: what was in flight at the kill. S3 is a SeaweedFS server on loopback."
)


def test_a_swarm_of_sessions(page: Page, tmp_path: Path) -> None:
    """Throughput and memory; after the kill every session ends as it must, and no more is done again than was in flight."""
    found = Table(f"{SESSIONS} sessions of {STEPS} steps, and a kill", COLUMNS, ABOUT)
    with ExitStack() as servers:
        server = servers.enter_context(seaweed(tmp_path / "seaweed"))
        for place in ("folder", "S3"):
            for name, way in WAYS:
                runner = Runner(f"darner, {place}: {name}", "darner", way)
                url = server.url(f"{way}/STORE") if place == "S3" else str(tmp_path / place / way / "STORE")
                found.add(*_line(runner, tmp_path / place / way, url, server.environment if place == "S3" else {}))
    page.append(found)


def _line(runner: Runner, folder: Path, url: str, more: Mapping[str, str]) -> tuple[str, ...]:
    def go(name: str, sessions: int, deadly: int = 0) -> Mapping[str, float]:
        place = url.replace("STORE", name)
        turn = runner.go("swarm", folder / name, more=more, sessions=sessions, steps=STEPS, store=place, deadly=deadly)
        return {"seconds": turn.told["seconds"], "peak": turn.told["memory"]}

    alone, whole = go("alone", 1), go("whole", SESSIONS)
    half = SESSIONS * STEPS // 2
    runner.die("swarm", folder / "killed", more=more, sessions=SESSIONS, steps=STEPS, store=url.replace("STORE", "killed"), deadly=half)
    after = go("killed", SESSIONS, half)
    again = (folder / "killed" / "counter").stat().st_size - SESSIONS * STEPS
    assert 0 < again <= SESSIONS, f"{again} steps were done again"
    rate = f"{SESSIONS * STEPS / whole['seconds']:,.0f}"
    each = f"{max(whole['peak'] - alone['peak'], 0) / max(SESSIONS - 1, 1) / 1e6:.2f} MB"
    return (runner.name, rate, gigabytes(int(whole["peak"])), each, f"{after['seconds']:.1f} s", gigabytes(int(after["peak"])), str(again))
