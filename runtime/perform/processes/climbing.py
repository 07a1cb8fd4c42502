"""Which rung each node of a run begins with: what this run and earlier ones needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ....compiler.plan import ResourcesPlan
from ...journal.rungs import remember, remembered
from ...ports import Store
from ...rungs import RungKey, ladder_digest


@dataclass
class Rungs:
    """The rungs of one run. Without a store nothing is known of earlier ones."""

    store: Store | None = None
    spec: str = ""
    now: Callable[[], float] | None = None
    _begun: dict[RungKey, int] = field(default_factory=dict)
    _needed: dict[RungKey, int] = field(default_factory=dict)
    _told: set[RungKey] = field(default_factory=set)

    def key(self, node: str, resources: ResourcesPlan) -> RungKey:
        """Return under what a node's rung is remembered."""
        return RungKey(self.spec, node, ladder_digest(resources))

    def known(self, key: RungKey) -> int | None:
        """Return the rung to begin with, where this run has asked the store already."""
        return max(self._needed.get(key, 0), self._begun[key]) if key in self._begun else None

    def look(self, key: RungKey) -> int:
        """Return the rung to begin with; asks the store, which may take a while."""
        if key not in self._begun:
            self._begun[key] = 0 if self.store is None else remembered(self.store, key)
        return max(self._needed.get(key, 0), self._begun[key])

    def worked(self, key: RungKey, rung: int) -> bool:
        """Note that a rung was enough; return whether it is a larger one than was known to be needed."""
        is_news = rung > max(self._needed.get(key, 0), self._begun.get(key, 0))
        self._needed[key] = max(self._needed.get(key, 0), rung)
        return is_news

    def tell(self, key: RungKey) -> None:
        """Keep at once what a node needs: the run may go on for long, and may be killed."""
        if self.store is not None and self.now is not None and key in self._needed:
            self._told.add(key)
            remember(self.store, key, self._needed[key], self.now())

    def close(self) -> None:
        """Keep what each node needed, once a run."""
        for key in self._needed.keys() - self._told:
            self.tell(key)
