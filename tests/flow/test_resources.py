"""Steps with resources run in child processes with that memory enforced, and climb their ladder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Lock, Plan
from darner.runtime.failures import Refused
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import RunState, fold

from .plans import flow, step

ORDERS = Path(__file__).parent / "orders"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ORDERS))


def with_resources(plan: Plan, **resources: Any) -> Plan:
    return Plan.model_validate({**plan.model_dump(by_alias=True, exclude={"resources"}, mode="json"), "resources": {"small": resources}})


def run(plan: Plan, folder: Path) -> RunState:
    store = open_store(folder)
    bound = Binding("r", plan, Lock(), {}, None, {}, str(ORDERS / "x.yaml"))
    state = run_flow(store, bound, Surroundings(EnvironmentSecrets({})))
    assert fold(read_events(store, "r")) == state
    return state


def test_a_step_that_runs_out_of_memory_climbs_its_ladder_and_remembers_the_rung(tmp_path: Path) -> None:
    """The next rung gets it done; the second item starts there at once; the run itself is never in danger."""
    hungry = step(callable="orders.steps:hungry", resources="small", map={"over": "$sizes", "max_parallel": 1}, **{"with": "$item"})
    plan = with_resources(flow("$eat", sizes=step(callable="orders.steps:sizes"), eat=hungry), memory="256Mi", on_oom=[{"memory": "1Gi"}])
    state = run(plan, tmp_path)
    assert state.finished is not None
    assert state.finished.outputs == [400, 401]
    calls = [one for one in state.calls.values() if one.parent.startswith("eat")]
    assert [(one.begun, [failure.failure for failure in one.failures]) for one in calls] == [(2, ["oom"]), (1, [])]


def test_a_step_over_its_last_rung_fails_alone(tmp_path: Path) -> None:
    """Other branches end well, and the run says what failed for memory."""
    hungry = step(callable="orders.steps:hungry", resources="small", **{"with": {"megabytes": 400}})
    plan = with_resources(flow("$fine", eat=hungry, fine=step(callable="orders.steps:pid_of", **{"with": {"number": 1}})), memory="256Mi")
    state = run(plan, tmp_path)
    assert {path: (one.kind, one.failure) for path, one in state.steps.items()} == {"eat": ("failed", "oom"), "fine": ("done", None)}


def test_only_steps_with_resources_leave_the_process(tmp_path: Path) -> None:
    """A step without resources runs here, one with them in a child that is used again."""
    here = step(callable="orders.steps:pid_of", **{"with": {"number": 1}})
    there = [step(callable="orders.steps:pid_of", resources="small", after=after, **{"with": {"number": 2}}) for after in ([], ["b"])]
    state = run(with_resources(flow({"a": "$a", "b": "$b", "c": "$c"}, a=here, b=there[0], c=there[1]), memory="512Mi"), tmp_path)
    assert state.finished is not None
    pids = {name: value[1] for name, value in state.finished.outputs.items()}
    assert pids["a"] == os.getpid()
    assert pids["b"] == pids["c"] != os.getpid()


def test_a_device_that_cannot_be_promised_is_refused(tmp_path: Path) -> None:
    """A device is a promise: refused before the run, and nothing is written."""
    plan = with_resources(flow("$a", a=step(callable="orders.steps:pid_of", resources="small")), gpu={"type": "l4"})
    with pytest.raises(Refused, match="a GPU"):
        run(plan, tmp_path / "store")
    assert not (tmp_path / "store").exists()
