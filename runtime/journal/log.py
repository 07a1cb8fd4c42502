"""A run's journal, in the form that its store can hold: one appended file in a folder, one object a commit in a bucket."""

from __future__ import annotations

from collections.abc import Iterator

from ..events import Event
from ..failures import Busy, Refused
from ..ports import Log, Store
from . import bucket_log, local_log, paths
from .bucket_log import BucketLog
from .lease import Heart
from .local_log import LocalLog
from .reading import Reading


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
    refuse_removed(store, run_id)
    log: Log
    if store.local_path(paths.journal(run_id)) is None:
        log = bucket_log.take(store, run_id, heart or Heart(store, owner), take_over=take_over)
    else:
        log = _in_a_folder(store, run_id, owner, take_over=take_over)
    try:
        # Whoever deletes a run holds it until the tombstone is there: seen from here, it is there now or never.
        refuse_removed(store, run_id)
    except BaseException:
        log.close()
        raise
    return log


def _in_a_folder(store: Store, run_id: str, owner: str, *, take_over: bool) -> Log:
    try:
        return local_log.take(store, run_id, owner=owner)
    except Busy as error:
        if not take_over:
            raise
        raise Busy(error.message, help="in a folder a run can't be taken over: whoever has it is alive; stop that process") from error


def refuse_removed(store: Store, run_id: str) -> None:
    """Raise `Refused` where a run was deleted."""
    if store.exists(paths.tombstone(run_id)):
        raise Refused(f"the run {run_id} was deleted from {store.url}", help="its id is not used again: give another --run, or none")


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


def read(store: Store, run_id: str) -> Reading:
    """Return a run's journal with how far it goes and who holds it; nobody is kept from writing."""
    if store.local_path(paths.journal(run_id)) is None:
        return bucket_log.read(store, run_id)
    return local_log.read(store, run_id)


def extent_of(log: Log) -> str:
    """Return how far a journal that was closed went, for `goes_to`; empty where that can't be known."""
    return log.extent if isinstance(log, LocalLog | BucketLog) else ""


def goes_to(store: Store, run_id: str, extent: str) -> bool:
    """Return whether a journal still goes just as far as an earlier `read` said."""
    if store.local_path(paths.journal(run_id)) is None:
        return bucket_log.goes_to(store, run_id, extent)
    return local_log.goes_to(store, run_id, extent)


def holder_of_known(store: Store, run_id: str) -> str | None:
    """Return who holds a run whose journal goes as far as it went (`goes_to`): in a bucket whoever takes it up writes first."""
    return None if store.local_path(paths.journal(run_id)) is None else local_log.holder(store, run_id)
