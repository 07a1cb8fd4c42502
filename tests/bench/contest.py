"""Contestants that do the same work in the same run, turn by turn, so that a noisy machine is noisy for all."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..catalog.running import DARNER, SPEC
from .measure import Measured, measure
from .report import Table, gigabytes, rate

HERE = Path(__file__).parent
JOBS = HERE / "jobs"
COLUMNS = ("", "seconds", "rows/s", "of two plain processes", "both without start-up", "peak memory", "start-up")


@dataclass
class Contestant:
    """A command with ``{feed}`` and ``{out}`` in it; ``is_job`` commands print their report."""

    name: str
    command: Sequence[str]
    is_job: bool = False
    measured: list[Measured] = field(default_factory=list)
    start_up: float = 0.0

    def turn(self, feed: Path, out: Path) -> Measured:
        """Do the work once, from nothing."""
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        words = [word.format(feed=feed, out=out) for word in self.command]
        return measure(words, environment(), out)

    @property
    def seconds(self) -> float:
        """Return the median."""
        return statistics.median(one.seconds for one in self.measured)


def environment() -> dict[str, str]:
    """Return an environment in which the stages are found."""
    return os.environ | {"PYTHONPATH": f"{SPEC}:{JOBS}"}


def plain(name: str, *options: str) -> Contestant:
    """Return a plain loop, or several."""
    return Contestant(name, [sys.executable, str(HERE / "plain.py"), "{feed}", "{out}/result", *options])


def job(name: str, spec: Path, *options: str) -> Contestant:
    """Return a job of darner."""
    settings = ["--set", "feed={feed}", "--set", "index={out}/result", "--store", "{out}/store", "--json"]
    return Contestant(name, [str(DARNER), "run", str(spec), *settings, *options], is_job=True)


def compete(contestants: Sequence[Contestant], feed: Path, two_rows: Path, folder: Path, repeats: int) -> None:
    """Let each have its turn, round after round; start-up is the same work over two rows."""
    for contestant in contestants:
        contestant.start_up = min(contestant.turn(two_rows, folder / "start-up").seconds for _ in range(2))
    for _ in range(repeats):
        for contestant in contestants:
            contestant.measured.append(contestant.turn(feed, folder / "turn"))


def table(title: str, about: str, contestants: Sequence[Contestant], rows: int, measure_of: Contestant) -> Table:
    """Return the contestants' figures, as shares of the rows/s of one of them."""
    found = Table(title, COLUMNS, about)
    for one in contestants:
        share = measure_of.seconds / one.seconds
        peak = max(measured.peak for measured in one.measured)
        steady = max(measure_of.seconds - measure_of.start_up, 0.1) / max(one.seconds - one.start_up, 0.1)
        shares = (f"{share:.0%}", f"{steady:.0%}")
        found.add(one.name, f"{one.seconds:.1f}", rate(rows, one.seconds), *shares, gigabytes(peak), f"{one.start_up:.1f} s")
        if one.is_job:
            found.notes.append(f"{one.name}: {_phases(one.measured[-1])}.")
    return found


def _phases(measured: Measured) -> str:
    """Return where a job spent its time, from the report that it printed."""
    line = next(line for line in reversed(measured.output.splitlines()) if line.startswith('{"run"'))
    seconds = json.loads(line)["outputs"]["seconds"]
    return ", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items())
