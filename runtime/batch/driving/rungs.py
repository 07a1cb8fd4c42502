"""The rungs on which a job's groups begin: those that its stages needed in earlier runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ....compiler.plan import Plan
from ...journal.rungs import remember, remembered
from ...ports import Store
from ...rungs import RungKey, ladder_digest
from ..groups import Allowance, Group, class_for


@dataclass(frozen=True, slots=True)
class JobRungs:
    """What is remembered of a job's stages. A group begins where the neediest of its stages does."""

    store: Store
    plan: Plan
    groups: tuple[Group, ...]
    ladders: Mapping[int, tuple[Allowance, ...]]
    gpus: int = 0

    def first(self) -> dict[int, int]:
        """Return the rung to begin with, by group."""
        found = {group.number: max((remembered(self.store, key) for key in self._keys(group)), default=0) for group in self.groups}
        return {number: min(rung, len(self.ladders[number]) - 1) for number, rung in found.items()}

    def learn(self, worked: Mapping[int, int], now: float) -> None:
        """Keep the largest rung that a run needed, by group; ``now`` is in seconds since 1970."""
        for group in self.groups:
            for key in self._keys(group) if group.number in worked else ():
                remember(self.store, key, worked[group.number], now)

    def _keys(self, group: Group) -> Iterator[RungKey]:
        resources = class_for(self.plan, group.resources, self.gpus)
        if resources is not None and resources.on_oom:
            digest = ladder_digest(resources)
            yield from (RungKey(self.plan.plan, stage, digest) for stage in group.stages)
