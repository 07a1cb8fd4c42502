"""A run that is stopped stops everything: process trees, open requests, servers, tasks, sleeps. Nothing goes on behind its back.

The command runs in the test's own process, which lives on: so nothing ends merely because a process did.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from darner.runtime.journal.store import open_store
from darner.runtime.perform.people import replies

from .busy import WAITS, Busy, everything_is_over, one


@pytest.fixture
def busy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Busy]:
    pytest.importorskip("mcp")
    with one(tmp_path, capsys) as found:
        yield found


@pytest.mark.soak
def test_a_flow_s_time_ends_everything_below(busy: Busy) -> None:
    """Each of them would go on for an hour; the flow has some seconds, and is the shortest."""
    busy.prepare("timeout: 20s")
    began = time.monotonic()
    assert busy(*busy.words, "--json") == 1
    assert time.monotonic() - began < 120
    everything_is_over(busy)
    assert busy.json()["error"] == "the run has used up its time: 20s since its start"
    state = busy.state()
    assert state.finished is not None
    assert state.started is not None
    assert state.finished.at - state.started.at < 50


DEAF = """
darner: 1
name: deaf
params: {log: {type: str}}
flow:
  timeout: 4s
  steps:
    WHAT: {use: "busy:WHAT", with: {log: $params.log}}
  outputs: {of: $WHAT}
"""


@pytest.mark.parametrize("what", [pytest.param("deaf", marks=pytest.mark.soak), "stubborn"])
def test_code_that_does_not_listen_holds_up_nobody(busy: Busy, what: str) -> None:
    """A task that goes on when it is cancelled (it is closed half a minute later), a thread that can't be: the run is over all the same."""
    busy.prepare()
    spec = busy.folder / "spec" / "deaf.yaml"
    spec.write_text(DEAF.replace("WHAT", what))
    began = time.monotonic()
    assert busy("run", str(spec), "--run", "r1", "--set", f"log={busy.log}", "--json") == 1
    assert (busy.log / what).exists()
    assert time.monotonic() - began < 60
    assert busy.json()["error"] == "the run has used up its time: 4s since its start"


def test_a_cancelled_run_ends_everything_below(busy: Busy) -> None:
    """From outside, within a look at the store."""
    busy.prepare()
    store = open_store(str(busy.store))
    thread = busy.when_busy(lambda: replies.cancel(store, "r1", "ada"))
    assert busy(*busy.words, "--json") == 1, busy.err
    thread.join(WAITS)
    everything_is_over(busy)
    assert busy.json()["status"] == "cancelled"
    assert busy("resume", "r1", "--json") == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_everything_below(busy: Busy, name: str) -> None:
    """Ctrl-C, or a platform that asks the process to leave: the run is left in good order, and can be gone on with."""
    busy.prepare()
    thread = busy.when_busy(lambda: os.kill(os.getpid(), getattr(signal, name)))
    assert busy(*busy.words) not in {0, 1, 2}
    thread.join(WAITS)
    everything_is_over(busy)
    events = busy.events()
    assert events[-1].kind == "let_go"
    assert not [one for one in events if one.kind in {"step_failed", "run_finished"}]
