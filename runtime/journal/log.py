"""A run's journal, in the form that its store can hold: one appended file in a folder, one object a commit in a bucket."""

from __future__ import annotations

from collections.abc import Iterator

from ..events import Event
from ..failures import Refused
from ..ports import Log, Store
from . import bucket_log, local_log, paths
from .lease import Heart


def open_log(store: Store, run_id: str, *, owner: str, take_over: bool = False, heart: Heart | None = None) -> Log:
    """Take a run up and return its journal. ``owner`` is what another process is told, such as ``process 7 on host``.

    Args:
        store: a folder or a bucket; it decides on the form.
        run_id: the run; it begins with this where there is none.
        owner: who asks.
        take_over: take it from a process that seems to be alive, too; that one stops at its next commit. In a folder the
            operating system knows who is alive, so there it changes nothing.
        heart: this process's heartbeat, where it holds many runs of the store.

    Raises:
        Busy: another process holds the run; the message names it.
        Corrupt: the journal's bytes are not what was written (in a folder, a torn last record is cut off instead).
        Refused: the run was deleted, or the folder lies on a network file system.
        StoreError: the store can't be written.
    """
    if store.exists(paths.tombstone(run_id)):
        raise Refused(f"the run {run_id} was deleted from {store.url}", help="its id is not used again: give another --run, or none")
    if store.local_path(paths.journal(run_id)) is None:
        return bucket_log.take(store, run_id, heart or Heart(store, owner), take_over=take_over)
    return local_log.take(store, run_id, owner=owner)


def read_events(store: Store, run_id: str) -> Iterator[Event]:
    """Yield a run's events without taking it up; what its owner is writing at this moment is left out."""
    if store.local_path(paths.journal(run_id)) is None:
        return bucket_log.read_events(store, run_id)
    return local_log.read_events(store, run_id)


def holder(store: Store, run_id: str) -> str | None:
    """Return who holds a run now, or None."""
    if store.local_path(paths.journal(run_id)) is None:
        return bucket_log.holder(store, run_id)
    return local_log.holder(store, run_id)
