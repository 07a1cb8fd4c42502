"""Markers: who began a shard, and what became of it."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from ...compiler.frozen import Frozen
from ..failures import Corrupt, Missing
from ..journal import paths
from ..ports import Store
from .model import Marker, ShardRef

MARKER: TypeAdapter[Marker] = TypeAdapter(Marker)
_FINISHED = re.compile(r"/(\d+)\.json$")
_STARTED = re.compile(r"/(\d+)-(\d+)\.json$")


class Beginning(Frozen):
    """What an attempt at a shard says when it begins: when, in seconds since 1970, and for which driver's generation."""

    at: float | None = None
    generation: int | None = None


class Waiting(Frozen):
    """What a worker says that waits for memory: where, and for how many bytes."""

    host: str
    memory: int


@dataclass(frozen=True, slots=True)
class Board:
    """The markers of one plan of work of ``job``: made by generation ``planned``, worked on by the driver of ``generation``."""

    store: Store
    job: str
    planned: int
    generation: int
    _finishing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """A worker's notice that it has to leave may meet the end of its shard."""

    def read(self, group: int, shard: int) -> Marker | None:
        """Return the outcome of a group for a shard; None where there is none yet. A damaged one is none."""
        name = paths.marker(self.job, self.planned, group, shard)
        try:
            return MARKER.validate_json(self.store.get(name))
        except (Missing, Corrupt, ValidationError):
            return None

    def finish(self, marker: Marker) -> Marker:
        """Write an outcome, and return the one that holds: what is done stays done, whoever comes later."""
        name = paths.marker(self.job, self.planned, marker.group, marker.shard)
        content = marker.model_dump_json(exclude_defaults=True).encode()
        with self._finishing:
            if self.store.create(name, content):
                return marker
            there = self.read(marker.group, marker.shard)
            if there is not None and there.outcome == "done":
                return there
            self.store.put(name, content)
        return marker

    def start(self, group: int, ref: ShardRef, at: float | None = None) -> None:
        """Say that an attempt begins, so that a worker that is killed has named its shard; ``at`` is in seconds since 1970."""
        content = Beginning(at=at, generation=self.generation).model_dump_json().encode()
        self.store.create(paths.start_marker(self.job, self.planned, group, ref.shard, ref.attempt), content)

    def begun(self, group: int, ref: ShardRef) -> Beginning:
        """Return what an attempt said when it began; nothing where that can't be read."""
        try:
            return Beginning.model_validate_json(self.store.get(paths.start_marker(self.job, self.planned, group, ref.shard, ref.attempt)))
        except (Missing, Corrupt, ValidationError):
            return Beginning()

    def reach(self, group: int, ref: ShardRef, stage: str) -> None:
        """Say that an attempt goes on with a stage behind the first of its group: what ends the process then ends it there."""
        self.store.create(self._stage_marker(group, ref, stage), b"{}")

    def reached(self, group: int, ref: ShardRef, stages: Sequence[str]) -> str:
        """Return the stage, out of its group's, that an attempt was at last."""
        at = (stage for stage in reversed(stages[1:]) if self.store.exists(self._stage_marker(group, ref, stage)))
        return next(at, stages[0])

    def _stage_marker(self, group: int, ref: ShardRef, stage: str) -> str:
        return paths.stage_marker(paths.start_marker(self.job, self.planned, group, ref.shard, ref.attempt), stage)

    def forget(self, group: int, shard: int) -> None:
        """Remove an outcome whose parts are not what was written."""
        self.store.delete(paths.marker(self.job, self.planned, group, shard))

    def finished(self, group: int) -> set[int]:
        """Return the shards that have an outcome, done or failed, without reading any."""
        folder = paths.marker(self.job, self.planned, group, 0).rpartition("/")[0]
        return {int(found[1]) for name in self.store.names(folder) if (found := _FINISHED.search(name))}

    def started(self, group: int) -> dict[int, int]:
        """Return the highest attempt that began, by shard."""
        folder = paths.start_marker(self.job, self.planned, group, 0, 0).rpartition("/")[0]
        found: dict[int, int] = defaultdict(int)
        for name in self.store.names(folder):
            if (read := _STARTED.search(name)) is not None:
                shard, attempt = int(read[1]), int(read[2])
                found[shard] = max(found[shard], attempt)
        return dict(found)

    def stop(self) -> None:
        """Ask the workers to begin nothing more."""
        self.store.put(paths.stop(self.job, self.generation), b"{}")

    def stopped(self) -> bool:
        """Return whether the workers were asked to begin nothing more."""
        return self.store.exists(paths.stop(self.job, self.generation))

    def wait(self, waiting: Waiting) -> None:
        """Say that a worker waits for memory, and has begun nothing yet."""
        self.store.put(paths.waiting(self.job, self.generation), waiting.model_dump_json().encode())

    def waiting(self) -> Waiting | None:
        """Return which worker of this driver said last that it waits; None where none has."""
        try:
            return Waiting.model_validate_json(self.store.get(paths.waiting(self.job, self.generation)))
        except (Missing, Corrupt, ValidationError):
            return None

    def was_told_to_stop(self, began: Beginning) -> bool:
        """Return whether the driver for which an attempt began has asked its workers to begin nothing more."""
        return began.generation is not None and self.store.exists(paths.stop(self.job, began.generation))

    def fenced(self) -> bool:
        """Return whether another driver has begun since."""
        return self.store.exists(paths.generation_claim(self.job, self.generation + 1))
