"""Two processes take the same run up at once: one proceeds, the other stops and says why, and the journal has no fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from darner.runtime.events import StepSkipped
from darner.runtime.journal.log import read_events

from .places import Place

SHORT, LONG = 20, 200


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return where the runs are."""
    if request.param == "folder":
        return Place("folder", str(tmp_path / "store"))
    server = request.getfixturevalue("s3")
    return Place.of("s3", server.url(tmp_path.name), server.options)


@dataclass(frozen=True)
class Told:
    """What one of two processes told of one round."""

    stopped: str | None
    said: str | None
    acknowledged: list[str]


class Rivals:
    """Two processes that race on command."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def race(self, number: int, *, take_over: bool = False) -> list[Told]:
        """Let both go for a run, and return what each tells."""
        for one in self._processes:
            assert one.stdin is not None
            one.stdin.write(f"{number} take-over\n" if take_over else f"{number}\n")
        for one in self._processes:
            assert one.stdin is not None
            one.stdin.flush()
        told = []
        for one in self._processes:
            assert one.stdout is not None
            told.append(Told(**json.loads(one.stdout.readline())))
        return told


@pytest.fixture
def rivals(place: Place) -> Iterator[Rivals]:
    with ExitStack() as stack:
        processes = []
        for name in ("a", "b"):
            command = [sys.executable, "-m", "tests.journal.racing", name, *place.words]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env=os.environ
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            processes.append(process)
        yield Rivals(processes)


@pytest.mark.parametrize("rounds", [SHORT, pytest.param(LONG, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])])
def test_of_two_processes_one_proceeds_and_the_other_is_told_of_it(place: Place, rivals: Rivals, rounds: int) -> None:
    """Each round: whoever proceeds writes everything; whoever doesn't wrote nothing. Guards against dbos#742, a stale recovery."""
    store = place.open()
    stopped: Counter[str | None] = Counter()
    for number in range(rounds):
        told = rivals.race(number)
        found = [event.step for event in read_events(store, f"run-{number}") if isinstance(event, StepSkipped)]
        kept = [one.acknowledged for one in told if one.acknowledged]
        assert found in ([step for part in kept for step in part], [step for part in reversed(kept) for step in part])
        assert any(one.stopped is None for one in told)
        for one in told:
            stopped[one.stopped] += 1
            if one.stopped == "Busy":
                assert f"the run run-{number} is held by" in (one.said or "")
                assert one.acknowledged == []
    assert set(stopped) <= {None, "Busy"}
    assert stopped["Busy"] >= rounds // 4, "too few of them met"


@pytest.mark.parametrize("place", ["s3"], indirect=True)  # in a folder nothing can be taken from a living process
@pytest.mark.soak
@pytest.mark.parametrize("rounds", [SHORT, pytest.param(LONG, marks=pytest.mark.timeout(1200))])
def test_of_two_processes_that_both_take_over_one_ends_fenced_and_nothing_forks(place: Place, rivals: Rivals, rounds: int) -> None:
    """With --take-over nobody is refused politely, and fences decide: what was acknowledged is there once, in order, by epochs."""
    store = place.open()
    stopped: Counter[str | None] = Counter()
    for number in range(rounds):
        told = rivals.race(number, take_over=True)
        found = [event.step for event in read_events(store, f"run-{number}") if isinstance(event, StepSkipped)]
        for one in told:
            stopped[one.stopped] += 1
            assert [step for step in found if step in one.acknowledged] == one.acknowledged
            if one.stopped == "Fenced":
                assert f"has taken the run run-{number} over" in (one.said or "")
        assert len(found) == len(set(found)) == sum(len(one.acknowledged) for one in told)
        assert any(one.stopped is None for one in told)
    assert set(stopped) <= {None, "Fenced"}
    assert stopped["Fenced"] >= rounds // 4, "too few of them met"
