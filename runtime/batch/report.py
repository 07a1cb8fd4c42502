"""What a job's run says when it is over, to people and to scripts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal

from ...compiler.frozen import Frozen
from ...compiler.quantities import format_money
from .model import Counts


class Phases:
    """Seconds by phase of a run: planning, start-up, rows, sink, index."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within: list[str] = []

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the time inside the block for a phase, and not for the phase around it."""
        began = time.perf_counter()
        self._within.append(name)
        try:
            yield
        finally:
            self._within.pop()
            spent = time.perf_counter() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
            if self._within:
                around = self._within[-1]
                self.seconds[around] = self.seconds.get(around, 0.0) - spent


class JobReport(Frozen):
    """One run of a job. ``rows`` were planned for this run; ``unchanged`` needed nothing."""

    run: str
    status: Literal["done", "failed", "unfinished"]
    generation: int = 0
    engine: str = ""
    workers: int = 0
    source_rows: int = 0
    new: int = 0
    changed: int = 0
    redo: int = 0
    unchanged: int = 0
    superseded: int = 0
    deleted: int = 0
    rows: int = 0
    written: int = 0
    dead: int = 0
    dead_letters: str | None = None
    """Where the dead letters are, as names under the store."""
    stages: dict[str, Counts] = {}
    calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    seconds: dict[str, float] = {}
    error: str | None = None
    help: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints."""
        outputs = self.model_dump(mode="json", exclude={"run", "status", "error", "help", "cost"})
        found: dict[str, Any] = {"run": self.run, "status": self.status, "outputs": outputs, "cost": format_money(self.cost)}
        return found if self.error is None else {**found, "error": self.error}

    def lines(self) -> list[str]:
        """Return the final table as text, one line each."""
        changes = {"new": self.new, "changed": self.changed, "redone": self.redo, "unchanged": self.unchanged, "deleted": self.deleted}
        found = [f"{self.source_rows:,} source rows: " + ", ".join(f"{number:,} {name}" for name, number in changes.items() if number)]
        wide = max((len(name) for name in self.stages), default=0)
        for name, counts in self.stages.items():
            found.append(f"  {name:<{wide}}  {_told(counts)}")
        if self.dead:
            found.append(f"{self.dead:,} dead letters: {self.dead_letters}")
        if self.calls:
            found.append(f"{self.calls:,} model calls, {self.tokens:,} tokens, {format_money(self.cost)}")
        found.append(", ".join(f"{name} {seconds:.1f}s" for name, seconds in self.seconds.items()))
        return found


def _told(counts: Counts) -> str:
    said: Mapping[str, int] = {"done": counts.done, "reused": counts.reused, "filtered": counts.filtered, "dead": counts.dead}
    return ", ".join(f"{number:,} {name}" for name, number in said.items() if number or name == "done")
