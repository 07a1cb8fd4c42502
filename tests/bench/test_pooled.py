"""What it costs to run a step in a pooled child process, beside the process that runs the flow."""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Lock, Plan
from darner.runtime.events import CallFinished
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.processes.calling import prepare
from darner.runtime.perform.processes.children import Child, ChildTask
from darner.runtime.perform.processes.leaving import SPOT
from darner.runtime.perform.secrets import EnvironmentSecrets

from ..flow.plans import flow, step
from .conftest import ROUNDS
from .report import Page, Table

pytestmark = pytest.mark.bench
STEPS = int(os.environ.get("DARNER_BENCH_POOLED", "300"))
ORDERS = Path(__file__).parents[1] / "flow" / "orders"
AIM = 3.0
"""Milliseconds."""
ABOUT = (
    "One step after the other, each durable before the next one begins, from the end of one to the end of the next. What a process "
    f"of its own adds at the median; aim: at most {AIM:g} ms. Processes are used again; starting one is measured by itself."
)
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "in the flow's own process": ({"callable": "orders.steps:note"}, None),
    "in a pooled child, memory: 512Mi": ({"callable": "orders.steps:note"}, {"memory": "512Mi"}),
    "in a pooled child, memory: 512Mi, disk: 64Mi": ({"callable": "orders.steps:note"}, {"memory": "512Mi", "disk": "64Mi"}),
    "an async function, in the flow's own process": ({"callable": "orders.steps:note_later"}, None),
    "an async function, in a pooled child": ({"callable": "orders.steps:note_later"}, {"memory": "512Mi"}),
}


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the steps be found."""
    monkeypatch.syspath_prepend(str(ORDERS))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "orders"]:
        del sys.modules[name]


def test_a_step_in_a_pooled_child(page: Page, tmp_path: Path) -> None:
    """Interleaved rounds; the median step of the median round counts."""
    turns: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS):
        for kind, (given, resources) in KINDS.items():
            turns[kind].append(_steps(tmp_path / str(number), kind, given, resources))
    found = Table("A step in a process of its own", ("", "ms a step", "slowest tenth", "ms more than here"), ABOUT)
    base, added = 0.0, {}
    for kind, rounds in turns.items():
        median = statistics.median(statistics.median(one) for one in rounds)
        tenth = statistics.median(sorted(one)[-len(one) // 10] for one in rounds)
        base = median if KINDS[kind][1] is None else base
        added[kind] = median - base
        found.add(kind, f"{median:.2f}", f"{tenth:.2f}", "" if KINDS[kind][1] is None else f"{median - base:.2f}")
    starts = [_start() for _ in range(ROUNDS)]
    found.notes.append(f"Starting a child and letting it import what it needs: {statistics.median(starts):.2f} s.")
    page.append(found)
    assert max(added.values()) < 10 * AIM


def _steps(folder: Path, kind: str, given: dict[str, Any], resources: dict[str, Any] | None) -> list[float]:
    """Return the milliseconds of each step."""
    more = {} if resources is None else {"resources": "small"}
    one = step(**given, **more, map={"over": "$inputs", "max_parallel": 1}, **{"with": "$item"})
    plan = Plan.model_validate({**flow("$a", a=one).model_dump(by_alias=True, mode="json"), "resources": {"small": resources or {}}})
    store = open_store(folder / kind.replace(" ", "_").replace(":", ""))
    texts = [f"text {number}" for number in range(STEPS)]
    state = run_flow(store, Binding("r", plan, Lock(), {}, texts, {}, str(ORDERS / "x.yaml")), Surroundings(EnvironmentSecrets({})))
    assert state.finished is not None
    assert state.finished.status == "done"
    ends = [event.at for event in read_events(store, "r") if isinstance(event, CallFinished)]
    return [(after - before) * 1000 for before, after in itertools.pairwise(ends)]


def _start() -> float:
    task = ChildTask(f"{prepare.__module__}:{prepare.__name__}", setup={SPOT: False}, memory=512 << 20, sys_path=(str(ORDERS),))
    began = time.perf_counter()
    with Child(task) as child:
        child.call({"ref": "orders.steps:note", "arguments": "x", "named": False})
        return time.perf_counter() - began
