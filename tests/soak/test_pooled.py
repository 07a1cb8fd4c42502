"""Many calls in child processes, one after the other: nothing is left of them."""

from __future__ import annotations

import gc
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from darner.compiler.plan import Lock, Plan
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import open_log
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.processes.groups import CGROUP_ROOT
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.state import fold

from ..flow.plans import flow, step
from ..flow.test_resources import ORDERS, with_resources

pytestmark = pytest.mark.soak
MANY = 1000
FALLS = 40


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ORDERS))


def held() -> dict[str, Any]:
    """Return what this process holds."""
    gc.collect()
    me = psutil.Process()
    return {
        "children": len(me.children(recursive=True)),
        "descriptors": me.num_fds(),
        "threads": sum(one.name == "darner-child" for one in threading.enumerate()),
        "groups": len(list(CGROUP_ROOT.rglob(f"darner-{me.pid}-*"))),
        "scratch": len(list(Path(tempfile.gettempdir()).glob(f"darner-scratch-*-{me.pid}-*"))),
    }


def go(plan: Plan, folder: Path, inputs: list[int]) -> Any:
    """Run a plan, and return its outputs."""
    store = open_store(folder)
    run_flow(store, Binding("r", plan, Lock(), {}, inputs, {}, str(ORDERS / "x.yaml")), Surroundings(EnvironmentSecrets({})))
    log = open_log(store, "r", owner="test")
    try:
        finished = fold(log.read()).finished
        assert finished is not None
        assert finished.status == "done", finished.error
        return finished.outputs if finished.blob is None else log.load(finished.blob)
    finally:
        log.close()


def test_a_thousand_calls_leave_no_process_descriptor_group_or_memory(tmp_path: Path) -> None:
    """One child serves them all, and it doesn't grow either."""
    each = step(callable="orders.steps:usage", resources="small", map={"over": "$inputs", "max_parallel": 1}, **{"with": "$item"})
    plan = with_resources(flow("$a", a=each), memory="512Mi", disk="64Mi")
    go(plan, tmp_path / "warm", list(range(100)))
    before, resident = held(), psutil.Process().memory_info().rss
    found = go(plan, tmp_path / "many", list(range(MANY)))
    grown = psutil.Process().memory_info().rss - resident
    pids, sizes, descriptors = ({one[at] for one in found} for at in range(3))
    sys.stdout.write(f"\nthe flow's process: {grown >> 10} KiB more; the child: {(max(sizes) - found[99][1]) >> 10} KiB more\n")
    assert held() == before
    assert len(pids) == 1
    assert len(descriptors) == 1
    assert max(sizes) - found[99][1] < 4 << 20
    assert grown < 24 << 20, "the run's own record is in there"


def test_processes_that_die_leave_nothing(tmp_path: Path) -> None:
    """Of memory, in the middle of a call."""
    each = step(
        callable="orders.steps:hungry", resources="small", map={"over": "$inputs", "max_parallel": 1},
        on_failure={"oom": {"then": "skip"}}, **{"with": "$item"},
    )  # fmt: skip
    plan = with_resources(flow("$a", a=each), memory="128Mi", disk="64Mi")
    go(plan, tmp_path / "warm", [400])
    before = held()
    assert go(plan, tmp_path / "many", [400] * FALLS) == []
    assert held() == before
