"""A store and the commands that people use on it, for tests."""

from __future__ import annotations

import time
from pathlib import Path

from darner.runtime.events import Event
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.state import RunState, fold

from ..desk import Desk

TRADE = Path(__file__).parent / "trade"


class Office(Desk):
    """Commands on a store of trades."""

    def run(self, spec: str, *words: str, run: str = "r1") -> int:
        """Run a spec under a name."""
        return self("run", str(TRADE / spec), "--set", f"log={self.log}", "--run", run, *words)

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
