"""Runs deleted whole: the id stays behind as a tombstone, so that it is never used again."""

from __future__ import annotations

import json

from ..failures import Refused
from ..ports import Store
from . import paths
from .log import open_log


def remove_run(store: Store, run_id: str, *, owner: str) -> None:
    """Delete a run and everything below it; one that is half deleted is deleted to the end.

    Raises:
        Busy: a process holds it.
        Refused: there is no such run.
        StoreError: the store can't be written.
    """
    if not is_removed(store, run_id):
        if not store.exists(paths.run_inputs(run_id)):
            raise Refused(f"there is no run {run_id} in {store.url}", help="`darner ps` lists the runs")
        # Whoever holds it is refused here, and whoever thinks that it holds it is fenced.
        log = open_log(store, run_id, owner=owner)
        try:
            store.create(paths.tombstone(run_id), json.dumps({"run": run_id, "by": owner}).encode())
        finally:
            log.close()
    store.delete(paths.run(run_id))


def is_removed(store: Store, run_id: str) -> bool:
    """Return whether a run of that id was deleted."""
    return store.exists(paths.tombstone(run_id))
