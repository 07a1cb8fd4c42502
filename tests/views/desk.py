"""Commands on one store, over the specs of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner

HERE = Path(__file__).parent


class Desk:
    """Runs commands on one store and reads what they print."""

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

    def trip(self, towns: list[str], *words: str, run: str = "r1") -> int:
        """Run the trip."""
        given = ["-i", "traveller=ada", "-i", f"towns={json.dumps(towns)}"]
        return self("run", str(HERE / "trip.yaml"), "--set", f"log={self.log}", *given, "--run", run, *words)

    def rounds(self, run: str = "r1") -> int:
        """Run the loop."""
        return self("run", str(HERE / "rounds.yaml"), "-i", f"log={self.log}", "--run", run)

    def asked(self, *words: str) -> Any:
        """Run a command with --json, and return what it printed."""
        assert self(*words, "--json") in {0, 1}, self.err
        [line] = self.out.splitlines()
        return json.loads(line)

    def calls(self, kind: str = "") -> list[str]:
        """Return what was really called, in order."""
        return [line for line in self.log.read_text().splitlines() if line.startswith(kind)] if self.log.exists() else []
