"""Commands on one store, over the specs of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import desk

HERE = Path(__file__).parent


class Desk(desk.Desk):
    """Commands on a store of trips."""

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
        return self.json()

    def calls(self, kind: str = "") -> list[str]:
        """Return what was really called, in order."""
        return [line for line in self.effects if line.startswith(kind)]
