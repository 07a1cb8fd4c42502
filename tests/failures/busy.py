"""A run that is busy with everything that can be under way, and a look at what is left of it."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from darner.runtime.events import Event
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.state import RunState, fold

from ..desk import Desk

HERE = Path(__file__).parent
TRACKER = HERE.parent / "mcp" / "desks" / "tracker.py"
WAITS = 120.0


CALL = {"id": "c1", "type": "function", "function": {"name": "final_result", "arguments": '{"text": "fine"}'}}
CHOICE = {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": [CALL]}}
USED = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
ANSWER = {"id": "a1", "object": "chat.completion", "created": 1, "model": "silent", "choices": [CHOICE], "usage": USED}


class Silent:
    """A server on loopback that hears a request and never answers, before it is to; it sees its connections close."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.asked, self.closed, self.answers = threading.Event(), threading.Event(), threading.Event()
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
                if self.answers.is_set() and content.endswith(b"}"):
                    body = json.dumps(ANSWER).encode()
                    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                    connection.sendall(head.encode() + body)
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
  TOOLS
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

    def prepare(self, timeout: str = "", more: str = "", tools: str = "") -> None:
        """Write the spec."""
        folder = self.folder / "spec"
        shutil.copytree(HERE / "busy_spec", folder)
        self.log.mkdir()
        text = SPEC.replace("PYTHON", sys.executable).replace("TIMEOUT", timeout).replace("MORE", more).replace("TOOLS", tools)
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


@contextmanager
def one(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Busy]:
    """Yield a busy run's desk; nothing of it lives on after that."""
    BEFORE[:] = psutil.Process().children(recursive=True)
    with Silent() as server:
        found = Busy(folder, capsys)
        found.server = server
        yield found
    for process in below():
        process.kill()


def everything_is_over(busy: Busy) -> None:
    """Check that nothing of the run goes on: the process that ran it is still here."""
    until(busy.server.closed.is_set)
    until(lambda: not [one for one in below() if one.is_running() and one.status() != psutil.STATUS_ZOMBIE])
    assert (busy.log / "tasked ended").exists()
