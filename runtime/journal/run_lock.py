"""The lock by which one process of this machine owns a run in a folder: it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from pathlib import Path

from ..failures import Busy

_TRIES = 5
_PAUSE = 0.02


class Unshared:
    """An open file that carries a lock of this process alone.

    The operating system counts a lock as held as long as any process has the file open that took it. Programs that are
    started never have (the file is closed on exec); what a tool forks would, so a fork closes it as its first deed.
    """

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.is_ours = True
        """Whether this process is the one that opened it, and still has it."""
        _OPEN.add(self)

    def close(self) -> None:
        """Close the file; a fork has nothing to close."""
        if self.is_ours:
            _OPEN.discard(self)
            self.is_ours = False
            os.close(self.handle)


class RunLock:
    """An exclusive lock on a file that says who holds it; a fork doesn't have it."""

    def __init__(self, path: Path, run_id: str, owner: str) -> None:
        self._path = path
        self._file = Unshared(self._locked(run_id))
        os.ftruncate(self._file.handle, 0)
        os.pwrite(self._file.handle, owner.encode(), 0)

    @property
    def is_ours(self) -> bool:
        """Whether this process is the one that took the lock, and still has it."""
        return self._file.is_ours

    def _locked(self, run_id: str) -> int:
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            if not taken(handle):
                holder = os.pread(handle, 4096, 0).decode(errors="replace").strip() or "another process"
                os.close(handle)
                raise Busy(f"the run {run_id} is held by {holder}", help="wait until it is done, or stop that process")
            if self._is_there(handle):
                return handle
            os.close(handle)  # the run was deleted between the opening and the locking: this is nobody's file

    def _is_there(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the run up; a fork has nothing to give up."""
        if self.is_ours:
            os.ftruncate(self._file.handle, 0)
            self._file.close()


def taken(handle: int) -> bool:
    """Take the exclusive lock on an open file; False where somebody holds it."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)  # somebody may only be looking who holds it, see `holder`
        else:
            return True
    return False


def holder(path: Path) -> str | None:
    """Return who holds the lock on a file now, or None."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read().decode(errors="replace").strip() or "another process"
    return None


_OPEN: weakref.WeakSet[Unshared] = weakref.WeakSet()
"""The lock files of this process. Forks are the process's affair, and the hook that hears of them can't be told of one file."""


def _close_all() -> None:
    for one in list(_OPEN):
        one.close()


os.register_at_fork(after_in_child=_close_all)
