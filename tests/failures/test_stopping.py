"""A run that is stopped stops everything: process trees, open requests, servers, tasks, sleeps. Nothing goes on behind its back.

The command runs in the test's own process, which lives on: so nothing ends merely because a process did.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from darner.runtime.events import Event
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.people import replies
from darner.runtime.state import RunState, fold

from ..desk import Desk

HERE = Path(__file__).parent
TRACKER = HERE.parent / "mcp" / "desks" / "tracker.py"
WAITS = 60.0


class Silent:
    """A server on loopback that hears a request and never answers; it sees its connections close."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.asked, self.closed = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address for an OpenAI client."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        with connection:
            while content := connection.recv(65536):
                if content:
                    self.asked.set()
        self.closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()


SPEC = """
darner: 1
name: busy
params: {log: {type: str}, url: {type: str}, tracker: {type: str}}
models:
  small: {use: "openai:silent", base_url: $params.url}
resources:
  small: {memory: 512Mi}
tools:
  desk: {mcp: {command: [PYTHON, $params.tracker, "${params.log}/mcp", stdio], tools: [slow], effects: {slow: read}}}
  wait: {use: "busy:tasked", effects: read}
agents:
  clerk: {model: small, prompt: "What about {{ what }}?", input: "busy:Task", output: "busy:Said"}
flow:
  TIMEOUT
  steps:
    caged: {use: "busy:caged", with: {log: $params.log}, resources: small}
    asked: {use: clerk, with: {what: it}}
    remote: {use: desk.slow, with: {seconds: 3600}}
    coded: {use: "busy:coded", calls: [wait], limits: {calls: 5}, with: {log: $params.log}}
    MORE
  outputs: {caged: $caged, asked: $asked, remote: $remote, coded: $coded}
"""


class Busy(Desk):
    """A run under the command, with everything in it that can be under way."""

    server: Silent
    words: tuple[str, ...] = ()

    def prepare(self, timeout: str = "", more: str = "") -> None:
        """Write the spec."""
        folder = self.folder / "spec"
        shutil.copytree(HERE / "busy_spec", folder)
        self.log.mkdir()
        text = SPEC.replace("PYTHON", sys.executable).replace("TIMEOUT", timeout).replace("MORE", more)
        (folder / "spec.yaml").write_text(text)
        params = {"log": self.log, "url": self.server.url, "tracker": TRACKER}
        self.words = (
            "run",
            str(folder / "spec.yaml"),
            "--run",
            "r1",
            *(one for key, value in params.items() for one in ("--set", f"{key}={value}")),
        )

    def is_busy(self) -> bool:
        """Return whether everything is under way."""
        notes = self.log / "mcp"
        slow = notes.exists() and "slow begins" in notes.read_text()
        return (
            slow
            and self.server.asked.is_set()
            and all((self.log / one).exists() for one in ("caged", "tasked", "coded"))
            and len(below()) >= 4
        )

    def when_busy(self, act: Callable[[], Any]) -> threading.Thread:
        """Do something as soon as everything is under way."""

        def wait() -> None:
            until(self.is_busy)
            act()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread

    def events(self) -> list[Event]:
        """Return the run's journal."""
        return list(read_events(open_store(str(self.store)), "r1"))

    def state(self) -> RunState:
        """Return how the run stands."""
        return fold(self.events())


def below() -> list[psutil.Process]:
    """Return the processes below this one that this run has started."""
    return [one for one in psutil.Process().children(recursive=True) if one not in BEFORE]


BEFORE: list[psutil.Process] = []


def until(condition: Callable[[], Any]) -> None:
    """Wait for something."""
    end = time.monotonic() + WAITS
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


@pytest.fixture
def busy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Busy]:
    pytest.importorskip("mcp")
    BEFORE[:] = psutil.Process().children(recursive=True)
    with Silent() as server:
        found = Busy(tmp_path, capsys)
        found.server = server
        yield found
    for one in below():
        one.kill()


def everything_is_over(busy: Busy) -> None:
    """Check that nothing of the run goes on: the process that ran it is still here."""
    until(busy.server.closed.is_set)
    until(lambda: not [one for one in below() if one.is_running() and one.status() != psutil.STATUS_ZOMBIE])
    assert (busy.log / "tasked ended").exists()


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
