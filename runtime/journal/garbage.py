"""What a store may let go of: finished runs that are old, shared results that have expired, claims that nobody renews."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ..failures import Missing, StoreError
from ..ports import Store
from ..state import fold
from . import binding, paths, shared_results
from .log import holder, read_events
from .removal import remove_run


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run that is over: how, and when (seconds since 1970)."""

    run: str
    status: str
    finished: float


def old_runs(store: Store, before: float) -> Iterator[OldRun]:
    """Yield the runs that ended before a time. Those that wait, were interrupted, are held or damaged are nobody's garbage."""
    for run_id in binding.run_ids(store):
        try:
            finished = fold(read_events(store, run_id)).finished
            held = holder(store, run_id)
        except StoreError:
            continue
        if finished is not None and finished.at < before and held is None:
            yield OldRun(run_id, finished.status, finished.at)


def remove(store: Store, run_id: str, owner: str) -> None:
    """Delete a run, and the hints that name it; its id is never used again."""
    remove_run(store, run_id, owner=owner)
    for name in store.names(paths.DUE):
        if paths.due_of(name)[1] == run_id:
            store.delete(name)


def expired_results(store: Store, now: float) -> Iterator[str]:
    """Yield the object names of shared results that count no more, and of damaged ones."""
    for name in shared_results.names(store):
        told = shared_results.about(store, name)
        if told is None or told.is_expired(now):
            yield name


def expired_claims(store: Store, now: float) -> Iterator[str]:
    """Yield the object names of claims whose owners were killed."""
    for name in shared_results.claims(store):
        try:
            until = float(json.loads(store.get(name))["until"])
        except Missing:
            continue
        except (ValueError, KeyError, TypeError):
            until = 0.0
        if until <= now:
            yield name
