"""What a job's work has used so far, whichever of its drivers it was, against its budget.

What a shard used stands in its marker once it is done; until then in what its attempts have flushed. What attempts cost
that failed, or were made again, stands in entries of their own (`attempts`). So a job that is killed, stopped or preempted
goes on with what it had spent, and nothing counts twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from ....compiler.plan import Plan
from ....compiler.settings import Budget
from ...failures import Corrupt, Exhausted, Missing, StoreError
from ...journal import paths
from ...ports import Store
from ..attempts import Tried, entries
from ..markers import MARKER
from ..model import Marker
from .kept import used_by
from .metering import Used

_LOOK_SECONDS, _NOTE_SECONDS = 1.0, 5.0
"""How often flushes are looked for, and the driver's time is written down: so much of it may be lost with a driver."""


@dataclass
class Spending:
    """Of one plan of work."""

    store: Store
    job: str
    planned: int
    """The generation that planned it."""
    plan: Plan | None = None
    """What limits it; None where somebody only wants to know."""
    _done: dict[str, Marker] = field(default_factory=dict)
    _flushes: dict[str, Used] = field(default_factory=dict)
    _tried: dict[str, tuple[Tried, Used]] = field(default_factory=dict)
    _before: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _looked: float = float("-inf")
    _noted: float = float("-inf")

    def __post_init__(self) -> None:
        self._before = _seconds(self.store, paths.spent(self.job, self.planned)) if self._is_timed else 0.0

    @property
    def _is_timed(self) -> bool:
        return self._budget is not None and self._budget.time is not None

    @property
    def _budget(self) -> Budget | None:
        return self.plan.budget if self.plan is not None else None

    @property
    def seconds(self) -> float:
        """The time in which the work was driven, by this driver and those before it."""
        return self._before + time.monotonic() - self._began

    def used(self, markers: Iterable[Marker]) -> Used:
        """Return what shards that are done have used, what the others have flushed, and what attempts cost that came to nothing."""
        known = list(markers)
        self._look()
        done = {(stage, one.shard) for one in known if one.outcome == "done" for stage in one.parts}
        # By its worker, after its driver had given it up: what became of it at last counts.
        outlived = {Tried(one.group, one.shard, one.attempt) for one in known if one.outcome == "done" and one.worker}
        told = {tried for tried, _ in self._tried.values()}
        total = sum((_of_marker(one) for one in known if one.outcome == "done" or _tried(one) not in told), Used())
        total = sum((used for tried, used in self._tried.values() if tried not in outlived), total)
        return sum((used for name, used in self._flushes.items() if _of(name) not in done), total)

    def in_all(self) -> Used:
        """Return the same from everything that is in the store now: failed attempts, too."""
        self._looked = float("-inf")
        return self.used(self._markers())

    def _markers(self) -> Iterator[Marker]:
        """Yield every outcome; those of shards that are done are read once. Damaged ones count as missing."""
        for name in self.store.names(paths.marker(self.job, self.planned, 0, 0).rpartition("/")[0].rpartition("/")[0]):
            marker = self._done.get(name)
            if marker is None:
                try:
                    marker = MARKER.validate_json(self.store.get(name))
                except (Missing, Corrupt, ValidationError):
                    continue
                if marker.outcome == "done":
                    self._done[name] = marker
            yield marker

    def _look(self) -> None:
        """Read what is new among flushes and entries, now and then; only agents use what is counted here while a job is at work."""
        asks = self.plan is None or any(":" not in stage.runs for stage in self.plan.stages.values())
        if not asks or time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for name in self.store.names(paths.flushes(self.job, self.planned)):
            if name not in self._flushes:
                self._flushes[name] = used_by(self.store, name)
        fresh = [name for name in self.store.names(paths.failed_attempts(self.job, self.planned)) if name not in self._tried]
        for name, tried, used in entries(self.store, fresh):
            self._tried[name] = (tried, used)

    @property
    def leaves_something(self) -> bool:
        """Whether the budget leaves money and tokens to begin another shard: what other workers have used counts, too."""
        budget = self._budget
        if budget is None or (budget.cost is None and budget.tokens is None):
            return True
        used = self.in_all()
        return (budget.cost is None or used.cost < budget.cost) and (budget.tokens is None or used.tokens < budget.tokens)

    def refuse_over(self, markers: Iterable[Marker]) -> None:
        """Raise `Exhausted` where the budget is used up; what is under way is finished or flushed, and nothing more begun."""
        budget = self._budget
        if budget is None:
            return
        used, spent = self.used(markers), self.seconds
        told = (
            ("cost", budget.cost, used.cost, "USD"),
            ("tokens", budget.tokens, used.tokens, "tokens"),
            ("time", budget.time, spent, "s"),
        )
        for what, limit, amount, unit in told:
            if limit is not None and amount >= limit:
                raise Exhausted(
                    f"the job has used up its budget.{what}: {amount:g} of {limit:g} {unit}",
                    help="what was finished is kept; raise it and run again to go on",
                )

    def note(self, *, at_last: bool = False) -> None:
        """Write down how long the work was driven, now and then: the next driver goes on from there."""
        if self._is_timed and (at_last or time.monotonic() - self._noted >= _NOTE_SECONDS):
            self._noted = time.monotonic()
            content = json.dumps({"seconds": self.seconds}).encode()
            self.store.put(paths.spent(self.job, self.planned), content)


def _tried(marker: Marker) -> Tried:
    return Tried(marker.group, marker.shard, marker.attempt)


def _of_marker(marker: Marker) -> Used:
    return Used(marker.calls, marker.tokens, marker.cost, marker.failures)


def _of(flush: str) -> tuple[str, int]:
    """Return the stage and the shard of a flush, by its name; see `paths.flush`."""
    folder, _, name = flush.rpartition("/")
    return name.partition("-")[2].removesuffix(".arrow"), int(folder.rpartition("/")[2])


def _seconds(store: Store, name: str) -> float:
    try:
        return float(json.loads(store.get(name))["seconds"])
    except (Missing, ValueError, TypeError, KeyError):
        return 0.0


def spent(store: Store, job: str, planned: int) -> Used:
    """Return what a plan of work has used so far; nothing where that can't be read."""
    try:
        return Spending(store, job, planned).in_all()
    except StoreError:  # a report of what went wrong with the store must not fail for it
        return Used()
