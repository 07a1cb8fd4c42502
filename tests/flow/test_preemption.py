"""Machines that are taken away from a flow: a step's, and that of the process that drives it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from darner.testing import preempt

from ..desk import Desk

SPEC = Path(__file__).parent / "orders" / "spot.yaml"


class Spot(Desk):
    """Commands on a store of one run, whose long step writes into ``folder``."""

    def begin(self) -> Any:
        """Start the run in a process of its own."""
        return self.start("run", str(SPEC), "--set", f"folder={self.folder}", "--run", "r1")

    def pids(self) -> list[int]:
        """Return the processes that the long step has run in."""
        path = self.folder / "pids"
        return [int(one) for one in path.read_text().split()] if path.exists() else []

    def has_begun(self, times: int) -> bool:
        """Return whether the long step has begun so often."""
        return len(self.pids()) >= times

    def until(self, condition: Callable[[], Any], process: Any) -> Any:
        """Return what a condition gives as soon as it holds."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        raise AssertionError("it never came to that")

    def long(self) -> dict[str, Any]:
        """Return the call of the long step, as it is shown."""
        assert self("show", "r1", "--json") == 0
        (call,) = next(one for one in self.json()["steps"] if one["step"] == "long")["calls"]
        found: dict[str, Any] = call
        return found


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Spot:
    return Spot(tmp_path, capsys)


def test_a_step_whose_machine_is_taken_away_goes_on_in_another_process(desk: Spot) -> None:
    """Twice: it leaves in time after its `finally`, no attempt of the one that it has is used up, the run never stops."""
    with desk.begin() as process:
        for times in (1, 2):
            desk.until(partial(desk.has_begun, times), process)
            assert preempt(desk.pids()[-1], grace=30)
            assert (desk.folder / "count").exists(), "its `finally` didn't run"
        desk.until(partial(desk.has_begun, 3), process)
        (desk.folder / "go").touch()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.strip() == (desk.folder / "count").read_text()
    assert len(set(desk.pids())) == 3
    assert (desk.folder / "begun").read_text() == "begun\n"
    assert [said.partition(":")[0] for said in desk.long()["failures"]] == ["preempted"] * 2


def test_a_driver_whose_machine_is_taken_away_leaves_in_time_and_another_process_goes_on(desk: Spot) -> None:
    """SIGTERM to the driver, SIGKILL to whoever is left: it says how to go on, and the step goes on from its count elsewhere."""
    with desk.begin() as process:
        desk.until(desk.pids, process)
        assert preempt(process.pid, grace=60), "it was still there after its time of grace"
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "darner resume r1" in said
    kept = int((desk.folder / "count").read_text())
    (desk.folder / "go").touch()
    assert desk("resume", "r1", "--json") == 0
    assert desk.json()["outputs"] == kept
    assert (desk.folder / "begun").read_text() == "begun\n"
    assert desk.long()["failures"] == []
