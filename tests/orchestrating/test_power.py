"""The power fails while a pure call's result is on its way to the disk: its caller has it already, and nothing else has begun."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.journal import paths, shared_results
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store
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
    """A run in a folder of its own."""

    processes: Midwife
    folder: Path
    spec: Path = SPECS / "pure.yaml"

    def go(self, fails_at: int = 0, *, is_hasty: bool = False, lingers: float = 0.0) -> Any:
        """Run, or go on; None where the power failed."""
        self.folder.mkdir(exist_ok=True)
        return self.processes.run(Life(str(self.spec), str(self.folder / "store"), str(self.folder / "begun"), fails_at, is_hasty, lingers))

    @property
    def store(self) -> Store:
        """Where it is kept."""
        return open_store(self.folder / "store")

    @property
    def begun(self) -> list[str]:
        """The calls that began, in their order."""
        file = self.folder / "begun"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def kept(self) -> set[str]:
        """The calls whose results are in the journal."""
        calls = fold(read_events(self.store, "it")).calls.values()
        return {one.call for one in calls if one.payload is not None and one.name == "double"}

    @property
    def lost(self) -> int:
        """How many calls began whose results are not in the journal."""
        return len(self.begun) - len(self.kept)

    @property
    def shared(self) -> set[str]:
        """The calls whose results other runs are given."""
        found = (shared_results.about(self.store, name) for name in shared_results.names(self.store))
        return {one.call for one in found if one is not None}


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


@pytest.mark.parametrize("is_hasty", [False, True])
def test_other_runs_are_given_nothing_that_may_yet_be_lost(processes: Midwife, tmp_path: Path, *, is_hasty: bool) -> None:
    """A result is shared once it is durable: else a run would be served, after the power failed, a result of its own that it has lost."""
    runs = [Run(processes, tmp_path / str(number), SPECS / "shared.yaml") for number in (9, 10)]
    assert [run.go(number, is_hasty=is_hasty, lingers=0.2) for number, run in enumerate(runs, 9)] == [None] * len(runs)
    assert any(not run.shared <= run.kept for run in runs) is is_hasty
    assert all(run.shared for run in runs)


@pytest.mark.parametrize("is_hasty", [False, True])
def test_no_question_is_closed_on_the_ground_of_what_may_yet_be_lost(processes: Midwife, tmp_path: Path, *, is_hasty: bool) -> None:
    """An open question that was put otherwise before is closed under the name that answers compete for, which nothing takes back."""
    specs = shutil.copytree(SPECS, tmp_path / "specs", ignore=shutil.ignore_patterns("__pycache__"))
    before = Run(processes, tmp_path / "before", specs / "wishing.yaml")
    assert before.go() == "parked"
    code = specs / "tours" / "wishing.py"
    edited = code.read_text(encoding="utf-8").replace("STEPS = 0", "STEPS = 8").replace("drink: str", "drink: str\n    size: int")
    code.write_text(edited, encoding="utf-8")
    shutil.rmtree(code.parent / "__pycache__", ignore_errors=True)
    closed = []
    for number in (9, 10):
        run = Run(processes, shutil.copytree(before.folder, tmp_path / str(number)), before.spec)
        assert run.go(number, is_hasty=is_hasty) is None
        closed.append((bool(run.store.names(paths.answers("it"))), len(run.kept)))
    assert closed == [(is_hasty, 7), (True, 8)]
