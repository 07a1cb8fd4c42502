"""A store and the commands that people use on it, for tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner

from . import warm

MAIN = "import sys; from darner.runtime.cli.main import main; main(sys.argv[1:])"


def command(*words: object) -> list[str]:
    """Return the line by which a command is a process of its own."""
    return [sys.executable, "-c", MAIN, *map(str, words)]


class Desk:
    """Runs commands on one store and reads what they print. ``log`` is where a spec's tools note what they do."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.log = folder / "calls.log"
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        """Run a command in this process, and return its exit code."""
        self._capsys.readouterr()
        code = darner([*words, "--store", str(self.store)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def start(self, *words: str) -> warm.Process:
        """Start a command as a process of its own."""
        return warm.Process(command(*words, "--store", self.store))

    def json(self) -> Any:
        """Return the one object on stdout."""
        [line] = self.out.splitlines()
        return json.loads(line)

    @property
    def effects(self) -> list[str]:
        """What the tools did, in order."""
        return self.log.read_text().splitlines() if self.log.exists() else []
