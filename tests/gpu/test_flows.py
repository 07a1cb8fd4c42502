"""Steps that use up a card, or die with it: the class, the ladder, the child after that, and the card."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Lock, Plan
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.processes import machine
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState, fold

from ..flow.plans import flow, step
from .gpu_steps import memory

HERE = Path(__file__).parent
LADDER = {"memory": "6Gi", "gpu": {"type": "any"}, "on_oom": [{"memory": "7Gi"}]}
LEFT = 64 << 20
"""Bytes of a card that may come and go without us."""


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def planned(ref: str, given: dict[str, str], **resources: Any) -> Plan:
    one = step(callable=f"gpu_steps:{ref}", resources="card", **{"with": given})
    plan = flow("$work", work=one).model_dump(by_alias=True, exclude={"resources"}, mode="json")
    return Plan.model_validate({**plan, "resources": {"card": resources}})


def run(plan: Plan, folder: Path, name: str = "r") -> RunState:
    store = open_store(folder / "store")
    bound = Binding(name, plan, Lock(), {}, None, {}, str(HERE / "x.yaml"))
    state = run_flow(store, bound, Surroundings(EnvironmentSecrets({})))
    assert fold(read_events(store, name)) == state
    return state


def ended(state: RunState) -> tuple[Any, list[tuple[int, list[str]]]]:
    """Return the outputs, how often each call was begun, and the classes of what it failed of."""
    assert state.finished is not None
    assert state.finished.status == "done", state.finished.error
    return state.finished.outputs, [(one.begun, [failure.failure for failure in one.failures]) for one in state.calls.values()]


def is_empty_again(used: int) -> bool:
    """Return whether the card holds no more than before: the driver takes a moment after a process's end."""
    deadline = time.monotonic() + 60
    while memory("used") > used + LEFT and time.monotonic() < deadline:
        time.sleep(0.2)
    return memory("used") <= used + LEFT


def test_the_devices_that_are_counted_are_those_that_nvidia_shows(card: None) -> None:
    """A promise of devices is held against this number."""
    shown = subprocess.run(["nvidia-smi", "-L"], check=True, capture_output=True, text=True).stdout
    assert machine.devices() == len([line for line in shown.splitlines() if line.startswith("GPU ")])


def test_a_step_that_fills_the_card_climbs_its_ladder_in_another_process_and_leaves_the_card_empty(library: str, tmp_path: Path) -> None:
    """Class `oom` by the library's own exception; what was left of the card's memory dies with that child.

    The next run begins on the rung that was needed.
    """
    used, diary = memory("used"), tmp_path / "diary"
    plan = planned("fill", {"library": library, "diary": str(diary)}, **LADDER)
    first = run(plan, tmp_path, "first")
    assert ended(first) == (1, [(2, ["oom"])])
    assert len(set(diary.read_text().split())) == 2, "the child that was out of memory was called again"
    assert is_empty_again(used)
    second = run(plan, tmp_path, "second")
    assert ended(second) == (1, [(1, [])])


def test_jax_says_by_its_status_that_memory_is_used_up_and_its_child_is_replaced(jax: None, tmp_path: Path) -> None:
    """Also on its CPU, where it raises the same: class `oom`, the next rung, another process."""
    diary = tmp_path / "diary"
    state = run(planned("ask", {"diary": str(diary)}, memory="2Gi", on_oom=[{"memory": "3Gi"}]), tmp_path)
    assert ended(state) == (2, [(2, ["oom"])])
    assert len(set(diary.read_text().split())) == 2


def test_a_step_for_which_no_rung_is_left_fails_as_out_of_memory_and_the_driver_lives(library: str, tmp_path: Path) -> None:
    """What the report says of it is what would help: smaller batches."""
    given = {"library": library, "diary": str(tmp_path / "diary")}
    state = run(planned("fill", given, memory="6Gi", gpu={"type": "any"}), tmp_path)
    assert {path: (one.kind, one.failure) for path, one in state.steps.items()} == {"work": ("failed", "oom")}
    assert "batches" in str(state.finished and state.finished.error)


def test_a_child_that_is_killed_while_it_holds_the_card_is_replaced_and_the_card_is_free_for_the_next(library: str, tmp_path: Path) -> None:
    """A bare SIGKILL is `crashed`; two times five eighths of a card don't fit beside each other."""
    used, diary = memory("used"), tmp_path / "diary"
    state = run(planned("die", {"library": library, "diary": str(diary)}, memory="6Gi", gpu={"type": "any"}), tmp_path)
    assert ended(state) == (2, [(2, ["crashed"])])
    assert len(set(diary.read_text().split())) == 2
    assert is_empty_again(used)
