"""A store and the commands that people use on it, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner
from darner.runtime.events import Event
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.state import RunState, fold

TRADE = Path(__file__).parent / "trade"
COMMAND = "import sys; from darner.runtime.cli.main import main; main(sys.argv[1:])"


class Office:
    """Runs commands on one store and reads what they print."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.log = folder / "log"
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        """Run a command in this process, and return its exit code."""
        self._capsys.readouterr()
        code = darner([*words, "--store", str(self.store)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def run(self, spec: str, *words: str, run: str = "r1") -> int:
        """Run a spec under a name."""
        return self("run", str(TRADE / spec), "--set", f"log={self.log}", "--run", run, *words)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        command = [sys.executable, "-c", COMMAND, *words, "--store", str(self.store)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def json(self) -> Any:
        """Return the one object on stdout."""
        [line] = self.out.splitlines()
        return json.loads(line)

    @property
    def effects(self) -> list[str]:
        """What the tools did."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def events(self, run: str = "r1") -> list[Event]:
        """Return a run's journal."""
        return list(read_events(open_store(self.store), run))

    def state(self, run: str = "r1") -> RunState:
        """Return how a run stands."""
        return fold(self.events(run))

    def wait_for(self, run: str, kind: str) -> None:
        """Return once a run's journal holds an event of a kind."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if any(one.kind == kind for one in self.events(run)):
                return
            time.sleep(0.05)
        raise AssertionError(kind)
