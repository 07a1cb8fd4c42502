"""One model's limits in a file that all processes of a user on this machine change under a lock.

The lock is the kernel's (flock): whoever is killed while holding it gives it up. A change is written beside what was
there before, and counts once its header is there, with a checksum: a process that is killed in the middle has changed
nothing. Places are files of their own, each locked by who is in it.
"""

from __future__ import annotations

import json
import os
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol, TypeVar

from ...limiter import Limits, as_json, from_json
from .about import About, read
from .folder import Unshared, sweep

Result = TypeVar("Result")
_HEADER = struct.Struct("<QII")
_HEADERS = (0, 64)
_BODIES = (4096, 4096 + (1 << 20))
_ABOUT = 128
"""Where it is written what the limits are about: an older darner looks at nothing between headers and bodies."""
_LARGEST = 1 << 20
_ROOM = 16_384
"""Bytes that each half has from the beginning: on a full disk a change fits all the same."""
SPINS, SPIN = 20, 0.0005
"""How often, and after how many seconds, a lock is tried again before whoever wants it does something else."""


class Held(Exception):
    """Somebody holds the lock for longer than a change takes."""


class Place(Protocol):
    """One of those at which a request may be under way."""

    def close(self) -> None:
        """Free it."""
        ...


class Medium(Protocol):
    """Where one model's limits are kept, for all that keep to them."""

    def change(self, edit: Callable[[Limits], tuple[Limits, Result]]) -> Result:
        """Change the limits as one; `Held` where somebody else does for long, `Unshared` where it can't be."""
        ...

    def place(self, places: int) -> Place | None:
        """Return a free one of so many places, None where there is none."""
        ...


class SharedFile:
    """A file of a folder. It is opened for each change: a thousand runs hold no descriptors."""

    def __init__(self, path: Path, about: About | None = None) -> None:
        self._path = path
        self._about = about

    def look(self) -> tuple[Limits, About, int]:
        """Return the limits, what they are about, and how many places are in use; `Held` as `change`. Nothing is changed.

        Whoever wants a place looks for one within a change, and so never meets the locks by which they are tried here.
        """
        try:
            with closing(_Locked(self._path)) as file:
                places = self._path.parent.glob(f"{self._path.name}.place*")
                return file.read()[1], read(file.told()), sum(map(_is_taken, places))
        except OSError as error:
            raise Unshared(f"{self._path} can't be used: {error.strerror or error}") from error

    def change(self, edit: Callable[[Limits], tuple[Limits, Result]]) -> Result:
        """Change the limits as one; see `Medium`."""
        try:
            with closing(_Locked(self._path)) as file:
                number, limits = file.read()
                changed, result = edit(limits)
                file.write(number + 1, changed)
                if self._about is not None:
                    file.tell(self._about.content())
                    self._about = None
                return result
        except OSError as error:
            raise Unshared(f"{self._path} can't be used: {error.strerror or error}") from error

    def place(self, places: int) -> Place | None:
        """Return a free one of so many places: its lock is its holder's for as long as that lives."""
        for number in range(places):
            file = _try(self._path.with_name(f"{self._path.name}.place{number}"))
            if file is not None:
                return file
        return None


def _is_taken(path: Path) -> bool:
    place = _try(path)
    if place is not None:
        place.close()
    return place is None


class _File:
    """A descriptor with a lock on it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def close(self) -> None:
        """Give the lock up."""
        os.close(self.descriptor)


def _try(path: Path) -> _File | None:
    """Return a file with its lock, None where somebody holds it."""
    import fcntl  # noqa: PLC0415 - not on every system; there is no sharing without it

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if os.fstat(descriptor).st_nlink:
            return _File(descriptor)
        os.close(descriptor)  # it was swept away meanwhile


class _Locked:
    """The file while it is locked."""

    def __init__(self, path: Path) -> None:
        for _ in range(SPINS):
            file = _try(path)
            if file is not None:
                self._file = file.descriptor
                break
            time.sleep(SPIN)
        else:
            raise Held(str(path))
        if os.fstat(self._file).st_size == 0:
            self._make(path)

    def _make(self, path: Path) -> None:
        try:
            sweep(path.parent)
            for body in (0, *_BODIES):
                os.pwrite(self._file, bytes(_ROOM if body else _BODIES[0]), body)
        except BaseException:
            os.ftruncate(self._file, 0)
            self.close()
            raise

    def close(self) -> None:
        os.close(self._file)

    def read(self) -> tuple[int, Limits]:
        """Return the newest whole limits and their number; new ones where there are none, or none of this version."""
        found = sorted((_HEADER.unpack(os.pread(self._file, _HEADER.size, at)), half) for half, at in enumerate(_HEADERS))
        for (number, check, size), half in reversed(found):
            if number and size <= _LARGEST:
                body = os.pread(self._file, size, _BODIES[half])
                if zlib.crc32(body, number & 0xFFFFFFFF) == check:
                    return number, _limits(body)
        return max(number for (number, _, _), _ in found), Limits()

    def told(self) -> bytes:
        """Return what is written of what the limits are about."""
        return os.pread(self._file, _BODIES[0] - _ABOUT, _ABOUT)

    def tell(self, about: bytes) -> None:
        """Write what the limits are about, where that isn't there."""
        if not self.told().startswith(about):
            os.pwrite(self._file, about, _ABOUT)

    def write(self, number: int, limits: Limits) -> None:
        """Write limits beside the last ones."""
        body = json.dumps(as_json(limits), separators=(",", ":")).encode()
        if len(body) > _LARGEST:
            raise OSError(f"{len(body)} bytes of limits")
        half = number % 2
        os.pwrite(self._file, body, _BODIES[half])
        os.pwrite(self._file, _HEADER.pack(number, zlib.crc32(body, number & 0xFFFFFFFF), len(body)), _HEADERS[half])


def _limits(body: bytes) -> Limits:
    try:
        return from_json(json.loads(body))
    except (ValueError, TypeError, KeyError):
        return Limits()  # another version of darner wrote it
