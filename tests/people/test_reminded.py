"""Whoever is reminded once a day wakes a run once a day: in between it costs nothing, however often a waker looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import HumanPlan, Lock, Plan, StepPlan, ToolPlan
from darner.runtime.journal import paths
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.people import replies
from darner.runtime.perform.secrets import EnvironmentSecrets

from ..hurried import START

HOUR = 3600.0


@dataclass
class At:
    """A clock that stands at one time, but for what is slept."""

    time: float

    def now(self) -> float:
        """Return that time."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let a time pass."""
        self.time += seconds
        await asyncio.sleep(0)


def send(reminder: int, log: str) -> None:
    """Tell somebody that they are asked."""
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{reminder} ")


@pytest.mark.parametrize("notify", [{"notify": "send"}, {}], ids=["somebody is told", "nobody is told"])
def test_a_waker_finds_a_run_due_once_a_reminder(tmp_path: Path, notify: dict[str, Any]) -> None:
    """After the first one it was due for ever: each look started a process, and the journal grew."""
    told = tmp_path / "log"
    tool = {"use": f"{__name__}:send", "effects": "write", "with": {"log": str(told)}}
    boss = HumanPlan.model_validate({"ask": "Well?", "answer": "str", "remind": "1d", **notify})
    steps = {"q": StepPlan.model_validate({"human": "boss"})}
    plan = Plan(plan="p", tools={"send": ToolPlan.model_validate(tool)}, humans={"boss": boss}, steps=steps, outputs={"q": "$q"})
    store, bound = open_store(tmp_path / "store"), Binding("r", plan, Lock(), {}, None, {}, str(tmp_path / "spec.yaml"))
    woken, sizes = [], set[int]()
    for hour in (0.0, 1.0, 23.9, 24.1, 24.2, 30.0, 47.0, 49.0, 49.1, 71.0, 120.5, 121.0):
        clock = At(START + hour * HOUR)
        if hour == 0 or list(replies.due_runs(store, clock)) == ["r"]:
            woken.append(hour)
            run_flow(store, bound, Surroundings(EnvironmentSecrets({}), store=store, clock=clock))
        sizes.add(len(list(read_events(store, "r"))))
        assert len(list(store.names(paths.DUE))) == 1
    assert woken == [0.0, 24.1, 49.0, 120.5]
    assert len(sizes) == len(woken)
    assert not notify or told.read_text(encoding="utf-8") == "0 1 2 5 "
