"""kill -9 of the driver, and of a worker, at random moments of the catalogue's job: nothing lost, nothing twice, little redone."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..catalog.conftest import generate
from ..catalog.running import Place, environment
from .killing import Victim, killed_once

pytestmark = pytest.mark.soak
ROWS = int(os.environ.get("DARNER_SOAK_ROWS", "250000"))
MOMENTS = int(os.environ.get("DARNER_SOAK_MOMENTS", "20"))
SEED = int(os.environ.get("DARNER_SOAK_SEED", str(secrets.randbelow(10**6))))
WORKERS, SHARD = 2, 4096
ENGINES = ("multi_threading", "multi_processing")


def started_rows(place: Place) -> int:
    """Return the rows of all attempts at shards that any generation began."""
    total = 0
    for work in place.store.glob("jobs/*/*/work.json"):
        shards = json.loads(work.read_bytes())["shards"]
        for attempt in place.store.glob(f"jobs/*/{work.parent.name}/started/*/*.json"):
            total += shards[int(attempt.stem.split("-")[0])]
    return total


def say(text: str) -> None:
    """Show a line at once, whatever pytest does with output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Undisturbed:
    """What a job that nobody kills leaves."""

    seconds: float
    digest: str
    rows: int
    processed: int


def undisturbed(place: Place) -> Undisturbed:
    """Run a job in peace."""
    place.root.mkdir()
    began = time.monotonic()
    place.done(timeout=3600)
    return Undisturbed(time.monotonic() - began, place.digest(), place.count(), started_rows(place))


def test_a_killed_job_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """Each moment has a job of its own: killed once, run again to the end, compared with the undisturbed one."""
    say(f"\nseed {SEED} (DARNER_SOAK_SEED), {ROWS} rows, {MOMENTS} moments")
    feed = generate(tmp_path / "feed.parquet", "--rows", str(ROWS))
    calm = undisturbed(Place(tmp_path / "calm", feed))
    say(f"undisturbed: {calm.seconds:.0f} s, {calm.rows} rows in the index, {calm.processed} rows processed")
    chance = random.Random(SEED)
    wrong = []
    for number in range(MOMENTS):
        place = Place(tmp_path / f"moment-{number}", feed)
        victim: Victim = "driver" if number % 2 == 0 else "worker"
        wrong += [f"{number}: {one}" for one in moment(place, victim, ENGINES[number // 2 % 2], calm, chance)]
        shutil.rmtree(place.root)
    assert wrong == [], f"seed {SEED}"


def moment(place: Place, victim: Victim, engine: str, calm: Undisturbed, chance: random.Random) -> list[str]:
    """Kill at one moment, go on to the end, print a line, and return what is wrong."""
    place.root.mkdir()
    kill = killed_once(place.command("--engine", engine), environment(), place.root / "log", victim, chance, calm.seconds)
    codes = [place.run("--engine", engine, timeout=3600).returncode]
    while codes[-1] != 0 and len(codes) < 3:
        codes.append(place.run("--engine", engine, timeout=3600).returncode)
    more = started_rows(place) - calm.processed
    checks = {
        f"ended with {codes}": codes[-1] != 0,
        f"a kill was taken for darner's own fault ({kill.code})": kill.code not in {0, 1, -9} or (victim == "worker" and kill.code == -9),
        "other content": place.digest() != calm.digest,
        f"{place.duplicates()} duplicates": place.duplicates() > 0,
        f"{place.count()} rows instead of {calm.rows}": place.count() != calm.rows,
        f"{more} rows processed over one pass": more > WORKERS * SHARD,
    }
    wrong = [text for text, so in checks.items() if so]
    hit = "" if kill.hit else " (missed: it was done)"
    then = f"exit {kill.code}, then {codes}, {more:+} rows processed"
    say(f"{engine:16} {victim:7} at {kill.after:6.1f} s{hit}, {then}: {'; '.join(wrong) or 'equal'}")
    return wrong
