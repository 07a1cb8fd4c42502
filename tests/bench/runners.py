"""Runtimes put through the same courses, round after round, each turn in a process of its own with nothing left of the one before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .measure import Measured, measure
from .pinned import ROOT, peers_python

TESTS = ROOT / "tests"
LONGEST = float(os.environ.get("DARNER_BENCH_LONGEST", "60"))
"""Seconds of one course after which a contestant gets no further round: the slowest don't hold all others up."""


@dataclass(frozen=True)
class Turn:
    """What a contestant told of one turn, and what was seen of its process from outside."""

    told: Mapping[str, Any]
    process: Measured


@dataclass
class Runner:
    """A contestant: a module of the peers folder, and the way that it is to be used in."""

    name: str
    peer: str
    way: str = ""
    is_durable: bool = True
    turns: list[Turn] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether it is darner, in our own environment."""
        return self.peer == "darner"

    def command(self, course: str, folder: Path, **given: Any) -> list[str]:
        """Return what starts a course."""
        python = sys.executable if self.is_ours else str(peers_python())
        options = [word for name, value in given.items() for word in (f"--{name}", value) if word is not None]
        return [python, "-m", f"bench.peers.{self.peer}_sessions", course, str(folder), "--way", self.way, *map(str, options)]

    def go(self, course: str, folder: Path, *, more: Mapping[str, str] | None = None, **given: Any) -> Turn:
        """Take one turn."""
        seen = measure(self.command(course, folder, **given), environment(more), TESTS)
        return Turn(json.loads(seen.output.strip().splitlines()[-1]), seen)

    def die(self, course: str, folder: Path, *, more: Mapping[str, str] | None = None, **given: Any) -> float:
        """Take one turn that must end in SIGKILL; return how many seconds it lived."""
        began = time.perf_counter()
        done = subprocess.run(
            self.command(course, folder, **given),
            env=environment(more),
            cwd=TESTS,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
        return time.perf_counter() - began

    def median(self, what: str) -> float:
        """Return the median of what was told."""
        return float(statistics.median(turn.told[what] for turn in self.turns))

    def spread(self, what: str, amount: int) -> str:
        """Return the slowest and the fastest turn, as so many of something a second."""
        rates = sorted(amount / turn.told[what] for turn in self.turns)
        return f"{rates[0]:,.0f} to {rates[-1]:,.0f}"

    @property
    def peak(self) -> int:
        """Return the most memory that the process of any turn held, in bytes."""
        return max(int(turn.told["memory"]) for turn in self.turns)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which the courses and the jobs' Python are found."""
    found = [str(TESTS), str(TESTS / "bench" / "jobs"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(found), "PYTHONWARNINGS": "ignore"} | dict(more or {})


def interleave(runners: Sequence[Runner], course: str, folder: Path, rounds: int, **given: Any) -> None:
    """Let each have its turn, round after round, from nothing."""
    for _ in range(rounds):
        for runner in runners:
            if sum(turn.process.seconds for turn in runner.turns) < LONGEST:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                runner.turns.append(runner.go(course, folder / "turn", **given))


def best_peer(runners: Sequence[Runner], what: str = "seconds") -> Runner:
    """Return the fastest that is durable and not ours."""
    return min((one for one in runners if one.is_durable and not one.is_ours), key=lambda one: one.median(what))
