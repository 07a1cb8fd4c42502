"""The power fails while a pure call's result is on its way to the disk: its caller has it already, and nothing else has begun."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.state import fold

from ..births import Midwife, midwife
from . import power
from .conftest import SPECS
from .power import Life
from .specs.tours.pure import STEPS


@pytest.fixture(scope="module")
def processes() -> Iterator[Midwife]:
    """Real processes."""
    with midwife(power) as made:
        yield made


@dataclass
class Run:
    """A run of pure.yaml in a folder of its own."""

    processes: Midwife
    folder: Path

    def go(self, fails_at: int = 0, *, is_hasty: bool = False) -> int | None:
        """Run, or go on; None where the power failed."""
        self.folder.mkdir(exist_ok=True)
        life = Life(str(SPECS / "pure.yaml"), str(self.folder / "store"), str(self.folder / "begun"), fails_at, is_hasty)
        found: int | None = self.processes.run(life)
        return found

    @property
    def begun(self) -> list[str]:
        """The calls that began, in their order."""
        file = self.folder / "begun"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def lost(self) -> int:
        """How many calls began whose results are not in the journal."""
        calls = fold(read_events(open_store(self.folder / "store"), "it")).calls.values()
        return len(self.begun) - sum(one.payload is not None for one in calls)


def test_nothing_begins_before_what_was_given_is_durable(processes: Midwife, tmp_path: Path) -> None:
    """Wherever the power fails, one call at most began whose result is lost, and is made again; the end is the same."""
    assert Run(processes, tmp_path / "undisturbed").go() == 2**STEPS
    number = 0
    for number in count(1):
        run = Run(processes, tmp_path / str(number))
        if run.go(number) is not None:
            break
        lost = run.lost
        assert lost <= 1
        assert run.go() == 2**STEPS
        assert len(run.begun) == STEPS + lost
    assert number > STEPS


def test_who_begins_before_that_is_caught(processes: Midwife, tmp_path: Path) -> None:
    """A broken variant, which doesn't wait: two calls are lost at once."""
    runs = [Run(processes, tmp_path / str(number)) for number in range(8, 12)]
    assert [run.go(number, is_hasty=True) for number, run in enumerate(runs, 8)] == [None] * len(runs)
    assert max(run.lost for run in runs) == 2
