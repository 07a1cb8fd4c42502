"""Runs deleted whole: the id stays behind as a tombstone, so that it is never used again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..events import Event, LetGo
from ..failures import Fenced, Refused, StoreError
from ..ports import Log, Store
from . import paths
from .log import open_log, read_events, refuse_removed

Deletable = Callable[[list[Event]], bool]
"""Says of a run's journal whether it may go."""


def always(_: list[Event]) -> bool:
    """Let any run go."""
    return True


def remove_run(store: Store, run_id: str, *, owner: str, now: float = 0.0, may_go: Deletable = always) -> bool:
    """Delete a run and everything below it, and return whether it went; one that is half deleted is deleted to the end.

    Args:
        store: where it is.
        run_id: the run; it need not be bound yet, so that what a fork left half-made can go too.
        owner: who deletes it, for others who ask for it meanwhile.
        now: seconds since 1970.
        may_go: judges the run once nobody else can write to it; what was known before may have changed since.

    Raises:
        Busy: a process holds it.
        Refused: there is no such run.
        StoreError: the store can't be written.
    """
    if not is_removed(store, run_id):
        if run_id not in store.folders(paths.RUNS):
            raise Refused(f"there is no run {run_id} in {store.url}", help="`darner ps` lists the runs")
        # Whoever holds it is refused here, and whoever takes it up from now on is, too.
        log = open_log(store, run_id, owner=owner)
        try:
            if not may_go(list(log.read())) or not _buried(store, run_id, log, owner, now):
                return False
        finally:
            log.close()
    store.delete(paths.run(run_id))
    return True


def _buried(store: Store, run_id: str, log: Log, owner: str, now: float) -> bool:
    """Write the tombstone, and return whether the run is ours still: somebody may have taken it over by force meanwhile."""
    store.create(paths.tombstone(run_id), json.dumps({"run": run_id, "by": owner}).encode())
    try:
        log.append([LetGo(at=now, epoch=log.epoch)])
    except Fenced:
        store.delete(paths.tombstone(run_id))
        return False
    return True


def is_removed(store: Store, run_id: str) -> bool:
    """Return whether a run of that id was deleted."""
    return store.exists(paths.tombstone(run_id))


@contextmanager
def unless_removed(store: Store, run_id: str) -> Iterator[None]:
    """Say of a run that is deleted while the block reads it just that, and not that something of it is missing."""
    try:
        yield
    except StoreError:
        refuse_removed(store, run_id)
        raise


def whole(store: Store, run_id: str) -> list[Event]:
    """Return a run's events without taking it up; `Refused` where it is deleted at this moment, and they may be fewer than it had."""
    with unless_removed(store, run_id):
        events = list(read_events(store, run_id))
    refuse_removed(store, run_id)
    return events
