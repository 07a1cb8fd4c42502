"""A clock that jumps in the middle of a whole run: nothing hangs, nothing comes early, nothing happens twice."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from darner.runtime.events import QuestionAsked, QuestionClosed, RunParked
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.claims import Claims
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.people import replies
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.world import SystemClock
from darner.runtime.project.load import compile_spec
from darner.runtime.state import RunState

SPEC = """darner: 1
name: clocked
params:
  log: {type: str, help: where calls are noted}
tools:
  note: {use: "clocked_steps:note", with: {log: $params.log}, effects: write, idempotent: true}
  tell: {use: "clocked_steps:tell", with: {log: $params.log}, effects: write}
humans:
  meek: {ask: "Well?", answer: str, timeout: 2s, on_timeout: default, default: "whatever", notify: tell, remind: 500ms}
flow:
  timeout: 50s
  steps:
    slept: {use: "clocked_steps:sleeps", calls: [note], limits: {calls: 9, time: 30s}}
    said: {use: meek}
    last: {use: note, with: {word: last}, after: [slept, said]}
  outputs: {slept: $slept, said: $said}
"""
ENDLESS = """darner: 1
name: endless
params:
  log: {type: str, help: where calls are noted}
tools:
  note: {use: "clocked_steps:note", with: {log: $params.log}, effects: write, idempotent: true}
flow:
  timeout: 5s
  steps:
    never: {use: "clocked_steps:never", calls: [note], limits: {calls: 9}}
  outputs: $never
"""
ALONE = """darner: 1
name: alone
params:
  log: {type: str, help: where calls are noted}
tools:
  note: {use: "clocked_steps:note", with: {log: $params.log}, effects: write, idempotent: true}
flow:
  steps:
    slept: {use: "clocked_steps:sleeps", calls: [note], limits: {calls: 9}}
  outputs: $slept
"""
STEPS = """
import asyncio
import time
from pathlib import Path

import darner
from darner import Call


def _line(log: str, text: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(text + "\\n")


def note(log: str, word: str, idempotency_key: str) -> str:
    _line(log, f"note {word}")
    return word


def tell(log: str, reminder: int) -> None:
    _line(log, f"tell {reminder}")


async def sleeps(note: Call[..., str]) -> str:
    await note(word="first")
    await darner.sleep("2s")
    return await note(word="second")


async def never(note: Call[..., str]) -> str:
    await note(word="first")
    await asyncio.sleep(3600)
    return "never"
"""


@dataclass
class Jumping(SystemClock):
    """A clock that jumps by so many seconds, once: as soon as it is looked at when something is so, else from the start."""

    by: float
    when: Callable[[], bool] = lambda: True
    _has_jumped: bool = False

    def now(self) -> float:
        """Return seconds since 1970, as far as this clock knows."""
        self._has_jumped = self._has_jumped or self.when()
        return super().now() + (self.by if self._has_jumped else 0.0)


class Bench:
    """A run that is bound, and gone on with under clocks of the test's choice."""

    def __init__(self, folder: Path, spec: str) -> None:
        self.folder, self.spec = folder, spec
        self.store, self.log = open_store(folder / "store"), folder / "log"
        file = folder / "clocked.yaml"
        file.write_text(spec, encoding="utf-8")
        (folder / "clocked_steps.py").write_text(STEPS, encoding="utf-8")
        made = compile_spec(file, params={"log": str(self.log)})
        self.bound = Binding("r", made.plan, made.lock, made.prompts, None, {"log": str(self.log)}, str(file))

    def go(self, clock: SystemClock) -> RunState:
        """Go on with the run under a clock."""
        return run_flow(self.store, self.bound, Surroundings(EnvironmentSecrets({}), clock=clock))

    def has(self, *kinds: bytes) -> bool:
        """Return whether there are events of these kinds in the journal."""
        journal = self.folder / "store/runs/r/journal/records.darner"
        content = journal.read_bytes() if journal.exists() else b""
        return all(kind in content for kind in kinds)

    def under_way(self) -> bool:
        """Return whether what takes time has begun: the sleep, and the question where there is one."""
        return self.has(b"timer_set", *([b"question_asked"] if "humans" in self.spec else []))

    def wait_until_due(self) -> None:
        """Wait until somebody who looks for runs would find this one."""
        until = time.monotonic() + 60
        while list(replies.due_runs(self.store, SystemClock())) != ["r"]:
            assert time.monotonic() < until
            time.sleep(0.05)

    def calls(self) -> Counter[str]:
        """Return what was called, counted."""
        return Counter(self.log.read_text(encoding="utf-8").splitlines())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose Python is found."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "clocked_steps", raising=False)
    return tmp_path


@pytest.mark.parametrize("by", [-5.0, 5.0])
def test_a_jump_of_seconds_delays_or_hastens_and_nothing_happens_twice(folder: Path, by: float) -> None:
    """A sleep, a question's time, its reminders, two time limits: each comes once, and the run is done."""
    bench = Bench(folder, SPEC)
    began = time.monotonic()
    state = bench.go(Jumping(by, bench.under_way))
    assert state.finished is not None
    assert (state.finished.status, state.finished.outputs) == ("done", {"slept": "second", "said": "whatever"}), state.finished
    assert time.monotonic() - began < 60
    calls = bench.calls()
    assert {word: calls[f"note {word}"] for word in ("first", "second", "last")} == {"first": 1, "second": 1, "last": 1}
    assert max(calls.values()) == 1, calls
    events = list(read_events(bench.store, "r"))
    assert [one.by for one in events if isinstance(one, QuestionClosed)] == ["default"]


def test_a_jump_of_an_hour_back_parks_the_run_and_it_is_woken_once(folder: Path) -> None:
    """What would have been short is long now: no process sits there for an hour. By a right clock everything is due, and comes once."""
    bench = Bench(folder, SPEC)
    began = time.monotonic()
    state = bench.go(Jumping(-3600.0, bench.under_way))
    assert state.waits.parked
    assert time.monotonic() - began < 60
    assert bench.calls()["note second"] == 0
    assert list(replies.due_runs(bench.store, Jumping(-3600.0))) == []
    bench.wait_until_due()
    state = bench.go(SystemClock())
    assert state.finished is not None
    assert state.finished.outputs == {"slept": "second", "said": "whatever"}
    assert max(bench.calls().values()) == 1, bench.calls()
    events = list(read_events(bench.store, "r"))
    assert sum(isinstance(one, QuestionAsked) for one in events) == 1
    assert sum(isinstance(one, RunParked) for one in events) == 1
    assert list(replies.due_runs(bench.store, SystemClock())) == []


def test_a_sleep_that_became_long_parks_its_run_though_nothing_else_moves(folder: Path) -> None:
    """Nobody else looks at the clock here: the sleep itself does."""
    bench = Bench(folder, ALONE)
    began = time.monotonic()
    assert bench.go(Jumping(-3600.0, bench.under_way)).waits.parked
    assert time.monotonic() - began < 25
    bench.wait_until_due()
    assert bench.go(SystemClock()).finished is not None
    assert bench.calls() == {"note first": 1, "note second": 1}


@pytest.mark.parametrize("by", [-3600.0, 3600.0])
def test_the_time_of_a_flow_runs_out_wherever_the_clock_jumps(folder: Path, by: float) -> None:
    """Five seconds are five seconds for a process that lives through them; a later owner goes by the clock."""
    bench = Bench(folder, ENDLESS)
    began = time.monotonic()
    state = bench.go(Jumping(by, lambda: bench.has(b"call_made")))
    assert state.finished is not None
    assert "has used up its time: 5s" in (state.finished.error or "")
    assert time.monotonic() - began < 40
    assert bench.calls() == {"note first": 1}


def test_an_owner_whose_clock_is_behind_gives_a_flow_no_more_time(folder: Path) -> None:
    """The run began an hour later than now: it has its five seconds, not an hour of them."""
    bench = Bench(folder, ENDLESS)
    assert bench.go(Jumping(3600.0)).finished is not None
    began = time.monotonic()
    state = bench.go(SystemClock())
    assert state.finished is not None
    assert "has used up its time" in (state.finished.error or "")
    assert time.monotonic() - began < 40


def test_a_claim_from_a_time_that_was_taken_back_holds_nobody_up(tmp_path: Path) -> None:
    """Whoever makes a shared result says until when; after the clock jumped back that would be an hour away."""
    store = open_store(tmp_path)
    ahead = Claims(store, Jumping(3600.0), "ahead")
    assert ahead.take("shared", "k") is not None
    assert Claims(store, SystemClock(), "me").take("shared", "k") is not None
    assert Claims(store, SystemClock(), "another").take("shared", "k") is None
