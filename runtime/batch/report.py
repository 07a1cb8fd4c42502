"""What a job's run says when it is over, to people and to scripts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal

from ...compiler.frozen import Frozen
from ...compiler.quantities import format_money
from ...compiler.settings import FailureClass
from ..failed import sentence, table
from ..ledger import Totals
from .dead import Reason
from .model import Counts

_JUDGED: Mapping[str, str] = {
    "new": "new",
    "changed": "changed",
    "redo": "redone",
    "unchanged": "unchanged",
    "left": "left to the next run",
    "superseded": "superseded by a later row of the same key",
    "null_keys": "without a key",
    "broken": "that don't fit their type",
}
"""How a source's row may be judged, and how that is said."""


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
    left: int = 0
    """New and changed rows that a retry of dead ones leaves to the next run."""
    superseded: int = 0
    null_keys: int = 0
    broken: int = 0
    """Source rows that don't fit the source's type."""
    still_dead: int = 0
    """Of those unchanged, rows that are dead since an earlier run."""
    deleted: int = 0
    rows: int = 0
    written: int = 0
    dead: int = 0
    dead_letters: str | None = None
    """Where the dead letters are, as names under the store."""
    dead_letters_at: str | None = None
    """The same as an absolute path or a URL."""
    reasons: tuple[Reason, ...] = ()
    """Why rows are dead, the most frequent reasons first."""
    stages: dict[str, Counts] = {}
    calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    failures: dict[FailureClass, Totals] = {}
    """What failures cost, by class."""
    seconds: dict[str, float] = {}
    error: str | None = None
    help: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints."""
        outputs = self.model_dump(mode="json", exclude={"run", "status", "error", "help", "cost"})
        found: dict[str, Any] = {"run": self.run, "status": self.status, "outputs": outputs, "cost": format_money(self.cost)}
        return found if self.error is None else {**found, "error": self.error}

    def lines(self, again: Callable[[str], str] = str) -> list[str]:
        """Return the final table as text, one line each; ``again`` gives a command as it finds the same store."""
        found = [rows_line(**self.model_dump(include={"source_rows", "deleted", *_JUDGED}))]
        wide = max((len(name) for name in self.stages), default=0)
        for name, counts in self.stages.items():
            found.append(f"  {name:<{wide}}  {_told(counts)}")
        if self.dead and self.dead_letters:
            found.append(f"{self.dead:,} dead letters: {self.dead_letters_at or self.dead_letters}")
            found += [f"  {reason}" for reason in self.reasons]
        if self.still_dead:
            found.append(f"{self.still_dead:,} of the unchanged rows are dead since an earlier run")
        if self.still_dead or (self.dead and self.dead_letters):
            show, retry = again(f"darner show {self.run} --dead"), again(f"darner retry {self.run} --dead")
            found.append(f"list them with: {show}; after a fix: {retry}")
        if self.calls:
            found.append(f"{self.calls:,} model calls, {self.tokens:,} tokens, {format_money(self.cost)}")
        failures = sentence(self.failures)
        if failures is not None:
            found.append(failures)
        found.append(", ".join(f"{name} {seconds:.1f}s" for name, seconds in self.seconds.items()))
        return found

    def failure_lines(self) -> Iterator[str]:
        """Yield what failures cost, by class, and why rows are dead."""
        yield from map(str, table(self.failures))
        for reason in self.reasons:
            yield f"  {reason}"
        if not self.failures and not self.reasons:
            yield "  nothing has failed"


def rows_line(**counts: int) -> str:
    """Return how a source's rows were judged: numbers that add up to them, then what is deleted."""
    judged = {said: counts[name] for name, said in _JUDGED.items()}
    judged["marked as deleted"] = max(0, counts["source_rows"] - sum(judged.values()))
    told = ", ".join(f"{number:,} {name}" for name, number in judged.items() if number)
    gone = f"; {counts['deleted']:,} deleted" if counts["deleted"] else ""
    return f"{counts['source_rows']:,} source rows{f': {told}' if told else ''}{gone}"


def _told(counts: Counts) -> str:
    said: Mapping[str, int] = {"done": counts.done, "reused": counts.reused, "filtered": counts.filtered, "dead": counts.dead}
    return ", ".join(f"{number:,} {name}" for name, number in said.items() if number or name == "done")
