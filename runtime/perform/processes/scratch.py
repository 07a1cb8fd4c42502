"""Scratch folders: what a child writes into its own, counted, bounded, and gone when its call is over."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from .groups import namespace

_BLOCK = 512
"""Bytes in a block of ``st_blocks`` (POSIX, ``sys/stat.h``)."""
_PREFIX = "darner-scratch-"
VARIABLES = ("TMPDIR", "TEMP", "TMP")
"""What says where temporary files go (Python's ``tempfile``, POSIX)."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder for temporary files. ``most`` is in bytes of disk."""

    folder: Path
    most: int

    @classmethod
    def make(cls, most: int) -> Scratch:
        """Return a new folder, where temporary files go; those that killed processes left there are removed."""
        ours = f"{_PREFIX}{namespace()}-"
        _sweep(Path(tempfile.gettempdir()), ours)
        return cls(Path(tempfile.mkdtemp(prefix=f"{ours}{os.getpid()}-")), most)

    @property
    def environment(self) -> dict[str, str]:
        """What a child is told of it."""
        return dict.fromkeys(VARIABLES, str(self.folder))

    def used(self, pids: Iterable[int] = ()) -> int:
        """Return how much it holds, in bytes of disk: a file with holes counts for what it has, one with several names once.

        Files without a name count that one of these processes has open: ``tempfile.TemporaryFile`` makes nothing else.
        """
        found = itertools.chain(_named(self.folder), self._nameless(pids))
        return sum({(one.st_dev, one.st_ino): one.st_blocks for one in found}.values()) * _BLOCK

    def exceeded(self, pids: Iterable[int] = ()) -> bool:
        """Return whether it holds more than it may; see `used`."""
        return self.used(pids) > self.most

    def is_held(self, pid: int) -> bool:
        """Return whether a process has a file of it open that has no name any more: nobody else can remove that."""
        return next(self._nameless([pid]), None) is not None

    def _nameless(self, pids: Iterable[int]) -> Iterator[os.stat_result]:
        """Yield the files in it that have no name, as the kernel's ``proc_pid_fd(5)`` shows them: "PATH (deleted)"."""
        inside = self.folder.resolve()
        for pid in pids:
            with contextlib.suppress(OSError):
                for link in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if inside in link.readlink().parents and not (found := link.stat()).st_nlink:
                            yield found

    def clear(self) -> None:
        """Remove what it holds."""
        _unlock(self.folder)
        with contextlib.suppress(OSError), os.scandir(self.folder) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    Path(entry.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove it."""
        _remove(self.folder)


def _named(folder: Path) -> Iterator[os.stat_result]:
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False)


def _unlock(folder: Path) -> None:
    """Let folders be emptied that were made read-only, as tools do with their caches."""
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError):
            one = waiting.pop()
            found = one.lstat()
            # Anybody may put a link into the folder for temporary files, to one of ours that isn't meant.
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                one.chmod(0o700)
                waiting += one.iterdir()


def _remove(folder: Path) -> None:
    _unlock(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path, prefix: str) -> None:
    """Remove folders of processes that were killed before they could."""
    for folder in parent.glob(f"{prefix}*-*"):
        with contextlib.suppress(ValueError):
            if not psutil.pid_exists(int(folder.name.removeprefix(prefix).split("-")[0])):
                _remove(folder)
