"""What a worker is told once: which group of which job it runs, where the store is, and what the spec means."""

from __future__ import annotations

import importlib
from typing import Any

from ...compiler.frozen import Frozen
from ...compiler.plan import Compiled, ModelPlan
from ..journal.store import open_store
from ..ports import Store

FLUSH_SECONDS = 5.0
"""Every so many seconds a worker writes what a slow stage has made of its shard so far."""
OPENER = f"{open_store.__module__}:open_store"


class StoreAddress(Frozen):
    """How another process opens the store: ``opener`` is a callable that takes ``url`` and ``options``."""

    url: str
    options: dict[str, Any] = {}
    opener: str = OPENER

    def open(self) -> Store:
        """Return the store."""
        module, _, attribute = self.opener.partition(":")
        store: Store = getattr(importlib.import_module(module), attribute)(self.url, self.options)
        return store


class GroupOrder(Frozen):
    """One group of a job. ``planned`` is the generation of the plan of work, ``generation`` that of the driver."""

    job: str
    planned: int
    generation: int
    group: int
    stages: tuple[str, ...]
    before: str | None = None
    """The stage before the group, whose parts it reads; None for the first group, which reads the shard inputs."""
    store: StoreAddress
    compiled: Compiled
    params: dict[str, Any] = {}
    places: dict[str, ModelPlan] = {}
    """Models that a target puts elsewhere, by name."""
    flush: float = FLUSH_SECONDS
    folder: str = ""
    """The spec's folder: its modules are importable."""
