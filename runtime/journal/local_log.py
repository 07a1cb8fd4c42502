"""A run's journal in a folder of this machine: one owner by an OS lock, one file that is only ever appended to."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import psutil

from ..events import Event
from ..failures import Corrupt, Refused, StoreError
from ..ports import Json, Store
from . import blobs, paths, record, run_lock
from .local_store import explained, make_folder, sync_folder
from .reading import Reading
from .record import Record
from .run_lock import RunLock
from .tearing import ROOM

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs", "lustre", "afs"})

_TRIES = 5
_PAUSE = 0.02
_LEAST_ROOM, _MOST_ROOM, _ROOM = 16 << 10, 1 << 20, 3
"""Bytes of room that are made ahead: so many times what there is, within these bounds. Making some takes as long as 20 records."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def take(store: Store, run_id: str, *, owner: str) -> LocalLog:
    """Take a run up and return its journal. ``owner`` is what another process is told, such as ``process 7 on host``.

    Raises:
        Busy: another process holds the run; the message names it.
        Corrupt: the journal's bytes are not what was written (a torn last record is cut off instead).
        Refused: the folder lies on a network file system.
        StoreError: the folder can't be written.
    """
    path = _file(store, run_id)
    _refuse_network(path)
    try:
        return LocalLog(store, run_id, path, _lock(path.parent, _local(store, paths.run_owner(run_id)), run_id, owner))
    except OSError as error:
        raise explained(error, f"opening the journal of {run_id} in {store.url}") from error


def read_events(store: Store, run_id: str) -> Iterator[Event]:
    """Yield a run's events without taking it up; what its owner is writing at this moment is left out."""
    path = _file(store, run_id)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        found = record.decode_all(_scanned(store, run_id, file, str(path)), str(path))
        yield from blobs.whole(store, run_id, found)


def _scanned(store: Store, run_id: str, file: BinaryIO, where: str) -> Iterator[Record]:
    """Yield a journal's records; what looks damaged while somebody writes is looked at again: it may be there by halves."""
    seq, before, offset, tries = 0, record.START, 0, _TRIES
    while True:
        try:
            for one in record.scan(file, os.fstat(file.fileno()).st_size, where, seq=seq, before=before, offset=offset):
                yield one
                seq, before, offset = one.seq + 1, one.hash, one.end
        except Corrupt:
            if not tries or holder(store, run_id) is None:
                raise
            tries -= 1
            time.sleep(_PAUSE)
        else:
            return


def read(store: Store, run_id: str) -> Reading:
    """Return a journal with how far it goes and who holds it; see `log.read`."""
    held, extent = holder(store, run_id), _extent(_file(store, run_id))
    return Reading(read_events(store, run_id), extent, held)


def goes_to(store: Store, run_id: str, extent: str) -> bool:
    """Return whether nothing was written to the journal's file since."""
    return _extent(_file(store, run_id)) == extent


def _extent(path: Path) -> str:
    try:
        told = path.stat()
    except FileNotFoundError:
        return ""
    return f"{told.st_size}-{told.st_mtime_ns}"


def holder(store: Store, run_id: str) -> str | None:
    """Return who holds a run now, or None."""
    return run_lock.holder(_local(store, paths.run_owner(run_id)))


def _lock(folder: Path, path: Path, run_id: str, owner: str) -> RunLock:
    for _ in range(_TRIES):
        make_folder(folder)
        with suppress(FileNotFoundError):  # the run was deleted just now
            return RunLock(path, run_id, owner)
    raise Refused(f"the run {run_id} is being deleted", help="its id is not used again: give another --run, or none")


def _local(store: Store, name: str) -> Path:
    path = store.local_path(name)
    assert path is not None, f"{store.url} is no folder"  # noqa: S101 - `log` chooses the form by just this
    return path


def _file(store: Store, run_id: str) -> Path:
    return _local(store, paths.journal_file(run_id))


def _refuse_network(path: Path) -> None:
    """Locks and appends of network file systems don't hold what a journal needs of them."""
    mounts = [one for one in psutil.disk_partitions(all=True) if path.is_relative_to(one.mountpoint)]
    nearest = max(mounts, key=lambda one: len(one.mountpoint), default=None)
    if nearest is not None and nearest.fstype in _NETWORK:
        raise Refused(f"{path.parent} lies on a network file system ({nearest.fstype})", help="give a folder on a local disk with --store")


def _write_out(file: int, offset: int, length: int) -> None:
    """Let the disk begin with what was just written, where the system can be told so; nobody waits for it here.

    Linux begins to write back what it is told that nobody needs in memory (mm/fadvise.c). Elsewhere, or where it doesn't,
    nothing is lost but time: the sync that follows does it all.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # it is advice; what the disk has to say of the write, the sync says
            os.posix_fadvise(file, offset, length, os.POSIX_FADV_DONTNEED)


class LocalLog:
    """The journal of one run, held until `close`. See `ports.StagedLog`."""

    def __init__(self, store: Store, run_id: str, path: Path, lock: RunLock) -> None:
        self._store = store
        self._run_id = run_id
        self._path = path
        self._lock = lock
        self._nonce = secrets.token_bytes(16)
        self._broken: str | None = None
        self._begun: tuple[bytes, int] | None = None
        """The hash and the size of the record that was written last, while it isn't durable."""
        self.extent = ""
        """How far the journal goes; known once it is closed."""
        is_new = not path.exists()
        # Not to append: what is written goes into the room ahead.
        self._file = path.open("x+b" if is_new else "r+b", buffering=0)
        self._makes_room, self._size = True, 0
        try:
            self._recover()
            if is_new:
                sync_folder(path.parent)
        except BaseException:
            self.close()
            raise

    def _recover(self) -> None:
        """Verify every record and cut a torn last one off."""
        self._seq, self._before, self._end, epoch = 0, record.START, 0, 0
        size = os.fstat(self._file.fileno()).st_size
        with self._path.open("rb") as file:
            for one in record.scan(file, size, str(self._path)):
                self._seq, self._before, self._end, epoch = one.seq + 1, one.hash, one.end, one.epoch
        if self._end < size:
            self._file.truncate(self._end)
            os.fsync(self._file.fileno())
        self._epoch, self._size = epoch + 1, self._end

    @property
    def epoch(self) -> int:
        """How often the run was taken up, this time included."""
        return self._epoch

    def read(self) -> Iterator[Event]:
        """Yield every event so far, in order."""
        with self._path.open("rb") as file:
            found = record.decode_all(record.scan(file, self._end, str(self._path)), str(self._path))
            yield from blobs.whole(self._store, self._run_id, found)

    def append(self, events: Sequence[Event]) -> None:
        """Write events as one group commit; they, and the payloads that they name, are durable when it returns."""
        self.begin(events)
        self.finish()

    def begin(self, events: Sequence[Event]) -> None:
        """Write events as one group commit, and set the disk to work; they are durable once `finish` returns."""
        self._refuse()
        self.finish()
        payload = blobs.payload(self._store, self._run_id, events)
        framed, digest = record.frame(payload, seq=self._seq, epoch=self._epoch, nonce=self._nonce, before=self._before)
        try:
            self._put(framed)
            _write_out(self._file.fileno(), self._end, len(framed))
        except OSError as error:
            raise self._given_up(error) from error
        self._begun = digest, len(framed)

    def finish(self) -> None:
        """Return when what `begin` wrote is durable."""
        if self._begun is None:
            return
        self._refuse()  # a system tells one process once of what it failed to write; asked again, it says that all is well
        try:
            # A file that doesn't grow has nothing else that must be durable: half the time of a file that does.
            os.fdatasync(self._file.fileno())
        except OSError as error:
            raise self._given_up(error) from error
        (self._before, size), self._begun = self._begun, None
        self._seq, self._end = self._seq + 1, self._end + size

    def _refuse(self) -> None:
        if not self._lock.is_ours:
            msg = f"process {os.getpid()} was forked from the owner of {self._run_id}, or gave the run up: it writes nothing"
            raise StoreError(msg)
        if self._broken is not None:
            raise StoreError(f"nothing more is written to {self._path}: {self._broken}", help="run the same command again to go on")

    def _given_up(self, error: OSError) -> StoreError:
        """Write nothing more, and return why: what of it reached the disk is unknown. The next owner finds whole records only."""
        self._broken = error.strerror or str(error)
        if error.errno in _FULL:
            self._file.truncate(self._end)
        return explained(error, f"writing the journal {self._path}")

    def _put(self, framed: bytes) -> None:
        """Write into the room ahead; where that is too small, together with more of it, as long as the disk has some."""
        if self._makes_room and self._end + len(framed) + ROOM > self._size:
            try:
                self._size = self._written(framed + bytes(min(max(_ROOM * self._end, _LEAST_ROOM), _MOST_ROOM)))
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                self._file.truncate(self._end)
                self._makes_room, self._size = False, 0
            else:
                return
        self._written(framed)

    def _written(self, content: bytes) -> int:
        """Write behind the last record, and return where that ends."""
        view, at = memoryview(content), self._end
        while view:
            count = os.pwrite(self._file.fileno(), view, at)
            view, at = view[count:], at + count
        return at

    def load(self, digest: str) -> Json:
        """Return a large payload that an event names."""
        return blobs.get(self._store, self._run_id, digest)

    def hold(self, seconds: float) -> None:
        """Do nothing: the lock lasts as long as the process."""

    def look(self) -> None:
        """Do nothing: likewise."""

    def close(self) -> None:
        """Give the run up."""
        if not self._file.closed:
            if self._lock.is_ours and self._broken is None:
                with suppress(StoreError):  # whoever wanted to be sure of it has called `finish`
                    self.finish()
            if self._lock.is_ours and self._broken is None and self._size > self._end:
                with suppress(OSError):  # the next owner takes the room back
                    self._file.truncate(self._end)
            self.extent = _extent(self._path) if self._lock.is_ours else ""
            self._file.close()
            self._lock.release()
