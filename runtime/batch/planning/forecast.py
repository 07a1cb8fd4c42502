"""What a plan of work will ask of each stage, told without calling any."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ....compiler.frozen import Frozen
from ....compiler.plan import Plan
from ..arrow import Column, compute, nothing, one_array
from ..canonical import DIGEST, DIGEST_BYTES
from ..fingerprints import StageKey, entering, leaving
from ..model import VERSION, memo_fingerprint

_UNKNOWN = pa.scalar(bytes(DIGEST_BYTES), DIGEST)


class StageForecast(Frozen):
    """Rows of one stage. Rows that an earlier stage will filter or fail are counted here too: they aren't known yet."""

    stage: str
    run: int
    """Rows for which the stage will be called."""
    reused: int
    """Rows whose stored outcome still holds."""
    uncertain: int = 0
    """Of ``run``, rows that may turn out reusable: they read values that a stage before will make anew."""


@dataclass
class Forecast:
    """Counts rows by stage, shard by shard."""

    plan: Plan
    keys: tuple[StageKey, ...]
    _counts: dict[str, list[int]] = field(default_factory=dict)

    def stages(self) -> tuple[StageForecast, ...]:
        """Return what was counted."""
        return tuple(
            StageForecast(stage=key.name, run=run, reused=reused, uncertain=uncertain)
            for key in self.keys
            for run, reused, uncertain in [self._counts.get(key.name, [0, 0, 0])]
        )

    def add(self, shard: pa.Table) -> None:
        """Count the rows of one shard input.

        The fingerprint of a stage that reads the whole row follows from the stages before it, and so does that of one
        that reads fields which every stage before lets pass. What reads values of a stage that is called is uncertain.
        """
        columns: dict[str, Column] = {name: one_array(shard[name]) for name in shard.schema.names if not name.startswith("_")}
        lineage = one_array(shard[VERSION])
        none = pa.array([False] * shard.num_rows, pa.bool_())
        changed, unknown = none, none  # rows that a stage before is called for; rows whose lineage is not known
        made: set[str] | None = set()
        for key in self.keys:
            memo = self._memo(shard, key.name)
            if not key.reads or (made is not None and not made & set(key.reads)):
                fingerprints = entering(key, columns, lineage)
                hit: Any = compute.fill_null(compute.equal(fingerprints, memo), False)  # noqa: FBT003 - the value for unknown
                unsure = unknown if not key.reads else none
            else:
                fingerprints = compute.fill_null(memo, _UNKNOWN)
                hit, unsure = memo.is_valid(), changed
            hit = compute.and_(hit, compute.invert(unsure))
            self._count(key.name, hit, compute.and_(unsure, memo.is_valid()))
            changed = compute.or_(changed, compute.invert(hit))
            unknown = unsure if not key.carries else compute.or_(unknown, unsure)
            lineage = leaving(key, fingerprints, lineage)
            made = self._made(key, made)

    def _memo(self, shard: pa.Table, stage: str) -> Column:
        name = memo_fingerprint(stage)
        return one_array(shard[name]) if name in shard.schema.names else nothing(shard.num_rows, DIGEST)

    def _made(self, key: StageKey, made: set[str] | None) -> set[str] | None:
        """Return the fields that stages so far wrote; None means all of them."""
        agent = self.plan.agents.get(self.plan.stages[key.name].runs)
        if made is None or agent is None or agent.new_fields is None:
            return None
        return made | set(agent.new_fields)

    def _count(self, stage: str, hit: Any, unsure: Any) -> None:
        hits, doubts = compute.sum(hit).as_py() or 0, compute.sum(unsure).as_py() or 0
        so_far = self._counts.get(stage, [0, 0, 0])
        self._counts[stage] = [so_far[0] + len(hit) - hits, so_far[1] + hits, so_far[2] + doubts]
