"""A shard that is not tried again: its rows become dead letters, or are left out, as its stage says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ....compiler.settings import FailureClass
from ...failures import FAILURES, DarnerError
from ...journal import paths
from ...ports import Store
from ..groups import Group
from ..model import FINGERPRINT, KEY, STATE, VERSION, Counts, Marker, PartRef, Work
from ..outcomes import DEAD_SCHEMA, Dead, DeadLetter
from ..parts import write_part
from ..rows import FILTERED, NO_ROWS, Rows

_NEVER_MADE = bytes(16)
"""The fingerprint of an outcome that nothing was computed for: no later run is served it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A shard that will not be tried again: its rows are dead letters, or left out, or the run fails."""

    shard: int
    group: int
    failure: FailureClass
    message: str
    attempts: int
    stage: str
    """The stage that it was at."""


def failure_of(lost: Lost) -> DarnerError:
    """Return a lost shard as the error that ends a run."""
    said = f"stage {lost.stage}, shard {lost.shard}: {lost.message}"
    return FAILURES[lost.failure](said, help="what was finished is kept; change the spec and run it again to go on")


@dataclass(frozen=True, slots=True)
class Losses:
    """Writes what becomes of lost shards. Whatever the stages before made of a row is not repeated, for it is stored."""

    store: Store
    work: Work

    def buried(self, lost: Lost, group: Group, rows: Rows) -> Marker:
        """Return the outcome of a group for a shard whose rows are dead letters."""
        dead = Dead(lost.failure, lost.failure, lost.message, lost.attempts)
        pairs: Any = zip(rows.keys.to_pylist(), rows.versions.to_pylist(), strict=True)
        letters = [DeadLetter(key, version, lost.stage, dead, "null").row() for key, version in pairs]
        name = paths.dead(self.work.job, self.work.generation, lost.group, lost.shard)
        written = write_part(self.store, name, pa.Table.from_pylist(letters, schema=DEAD_SCHEMA))
        return self._marker(lost, Counts(dead=len(rows)), self._parts(lost, group.stages, NO_ROWS), written)

    def left_out(self, lost: Lost, group: Group, rows: Rows) -> Marker:
        """Return the outcome of a group for a shard whose rows go no further, as their stage says."""
        count = len(rows)
        part = pa.table(
            {
                KEY: rows.keys,
                VERSION: rows.versions,
                FINGERPRINT: pa.array([_NEVER_MADE] * count, pa.binary(16)),
                STATE: pa.array([FILTERED] * count, pa.string()),
            }
        )
        return self._marker(lost, Counts(filtered=count), self._parts(lost, group.stages, part), None)

    def _parts(self, lost: Lost, stages: Sequence[str], part: pa.Table) -> dict[str, PartRef]:
        """Write the part of the stage that the shard was at; no row has left any other stage of its group."""
        names = {stage: paths.part(self.work.job, self.work.generation, stage, lost.shard) for stage in stages}
        return {stage: write_part(self.store, name, part if stage == lost.stage else NO_ROWS) for stage, name in names.items()}

    def _marker(self, lost: Lost, counts: Counts, parts: dict[str, PartRef], dead: PartRef | None) -> Marker:
        return Marker(
            shard=lost.shard, group=lost.group, attempt=lost.attempts, outcome="done", stages={lost.stage: counts}, parts=parts,
            dead=dead, message=lost.message,
        )  # fmt: skip
