"""What all processes of a user on this machine have promised of its memory, told to each other through small files.

A claim is a file that its process keeps locked (flock) for as long as the claim lives: whoever is killed gives it up. It
waits first, behind those that came before it, and holds its memory from when there is room for it. Claims are made, judged
and granted under the lock of one other file.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .. import world
from ..limits.folder import Unshared, folder

_TRIES, _PAUSE = 400, 0.0005
"""How often, and after how many seconds, the lock is tried again: it is held for moments."""
LOOK_SECONDS = 0.2
"""How often a claim that waits looks whether it is its turn."""
_FROZEN = 5.0
"""Seconds after which one that waits, and doesn't look any more, is passed over: its process stands still."""
_SUFFIX, _GUARD = ".claim", "guard"
_LENGTH = 96


class _Held(Exception):
    """Somebody holds the lock for longer than a look takes."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a claim's file says: whether it holds its memory, how much, since when it waits, when it looked last."""

    holds: bool
    memory: int
    since: float
    looked: float

    def line(self) -> bytes:
        return f"{int(self.holds)} {self.memory} {self.since!r} {self.looked!r}".ljust(_LENGTH).encode()

    @classmethod
    def read(cls, content: bytes) -> _Told | None:
        words = content.decode("ascii", "replace").split()
        try:
            return cls(words[0] == "1", int(words[1]), float(words[2]), float(words[3]))
        except (IndexError, ValueError):
            return None  # its process was killed while it wrote, or is another version's


@dataclass
class Claim:
    """A claim on memory, in bytes; made by `claimed`."""

    folder: Path
    memory: int
    _path: Path
    _file: int
    _since: float
    _held_since: float | None = field(default=None)

    def granted(self, most: int) -> bool:
        """Return whether it holds its memory, of at most so many bytes that all claims together may hold."""
        if self._held_since is not None:
            return True
        try:
            with _guarded(self.folder):
                is_my_turn = self._is_my_turn(most)
                now = world.moment()
                os.pwrite(self._file, _Told(is_my_turn, self.memory, self._since, now).line(), 0)
        except _Held:
            return False
        except OSError:
            is_my_turn, now = True, world.moment()  # nothing can be shared any more: each keeps to its own
        self._held_since = now if is_my_turn else None
        return is_my_turn

    def is_wanted(self, after: float) -> bool:
        """Return whether it has been held for so many seconds while another one waits."""
        if self._held_since is None or world.moment() - self._held_since < after:
            return False
        # Under the lock: a file that is being made isn't locked yet, and would be taken for that of a dead process.
        with contextlib.suppress(OSError, _Held), _guarded(self.folder):
            return any(not one.holds for one in self._others())
        return False

    def _is_my_turn(self, most: int) -> bool:
        others, now = list(self._others()), world.moment()
        held = sum(one.memory for one in others if one.holds)
        before = (one for one in others if not one.holds and one.since < self._since and now - one.looked < _FROZEN)
        return held + self.memory <= most and not any(before)

    def _others(self) -> Iterator[_Told]:
        """Yield the other claims that live; files of dead ones are removed."""
        for path in self.folder.glob(f"*{_SUFFIX}"):
            if path != self._path and (told := _living(path)) is not None:
                yield told

    def close(self) -> None:
        """Give it up."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        with contextlib.suppress(OSError):
            os.close(self._file)


def claimed(memory: int) -> Claim | None:
    """Return a claim on so many bytes, which waits (`Claim.granted`); None where processes can't share what they know."""
    try:
        place = folder() / "memory"
        place.mkdir(mode=0o700, exist_ok=True)
        with _guarded(place):
            return _made(place, memory)
    except (Unshared, _Held, OSError, ImportError):
        return None


@contextlib.contextmanager
def _guarded(place: Path) -> Iterator[None]:
    """Hold the lock under which claims are judged; `_Held` where somebody stands still with it."""
    import fcntl  # noqa: PLC0415 - not on every system; there is no sharing without it

    file = os.open(place / _GUARD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for _ in range(_TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_PAUSE)
        else:
            raise _Held
        yield
    finally:
        os.close(file)


def _made(place: Path, memory: int) -> Claim:
    import fcntl  # noqa: PLC0415 - likewise

    now, path = world.moment(), place / f"{world.new_uuid()}{_SUFFIX}"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(file, _Told(holds=False, memory=memory, since=now, looked=now).line(), 0)
    except BaseException:
        os.close(file)
        path.unlink(missing_ok=True)
        raise
    return Claim(place, memory, path, file, now)


def _living(path: Path) -> _Told | None:
    """Return what a claim says; None where its process is gone, or it is."""
    import fcntl  # noqa: PLC0415 - likewise

    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _Told.read(os.pread(file, _LENGTH, 0))
    else:
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(file)
