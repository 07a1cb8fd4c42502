"""Promised memory, enforced: a control group where one can be made, else a watchdog over the resident size."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import psutil

from .groups import ControlGroup, control_group

Enforcement = Literal["cgroup", "watchdog"]
MARK = "DARNER_CHILD"
"""The environment variable by which a child's descendants are known, whatever sessions and parents they gave themselves."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY = 10
"""Looks between two at the descendants, which take longer to find."""

__all__ = ["MARK", "ControlGroup", "Enforcement", "MemoryGuard", "Watchdog", "guard"]


class MemoryGuard(Protocol):
    """Holds one process tree to its memory, and knows who belongs to it."""

    def exceeded(self) -> bool:
        """Return whether the tree is over its memory now and must be killed by the caller; called every few ms."""
        ...

    def killed(self) -> bool:
        """Return whether there is evidence that the tree was killed for its memory."""
        ...

    def others(self, pid: int) -> bool:
        """Return whether the tree has more processes than ``pid``."""
        ...

    def members(self) -> list[int]:
        """Return the tree's processes that run."""
        ...

    def kill(self) -> None:
        """Kill every process of the tree."""
        ...

    def close(self) -> None:
        """Give back what the guard holds, once the tree is gone."""
        ...


def guard(pid: int, memory: int | None, how: Enforcement | None = None, mark: str = "") -> MemoryGuard:
    """Return a guard that holds ``pid`` and its descendants to ``memory`` bytes (None: no bound).

    ``how`` None takes a control group where one can be made below this process's own, and the watchdog otherwise, which
    knows descendants by ``mark``, the value of `MARK` in their environment.
    """
    found = None if how == "watchdog" else control_group(pid, memory)
    return found or Watchdog(pid, memory, mark)


@dataclass
class Watchdog:
    """Looks at the resident size. What it lets through is what can be allocated between two looks."""

    pid: int
    memory: int | None
    mark: str = ""
    _found: bool = False
    _looks: Iterator[int] = field(default_factory=itertools.count)

    def exceeded(self) -> bool:
        """Look at the process each time, at its descendants (slower to find) every tenth time."""
        if self.memory is None:
            return False
        resident = _resident(self.pid)
        if next(self._looks) % _EVERY == 0:
            resident += sum(_resident(one.pid) for one in _below(self.pid))
        self._found = self._found or resident > self.memory
        return self._found

    def killed(self) -> bool:
        """Return whether a look found too much: the caller kills then."""
        return self._found

    def others(self, pid: int) -> bool:
        """Return whether a process has children that run; those that left it are found when the tree is killed."""
        return bool(_children(pid))

    def members(self) -> list[int]:
        """Return the process and what is below it; those that left it are found when the tree is killed."""
        found, waiting = [], [self.pid]
        while waiting:
            found.append(waiting.pop())
            waiting += _children(found[-1])
        return found

    def kill(self) -> None:
        """Kill the process, what is below it, and whatever carries its mark."""
        below = _below(self.pid)
        for one in [self.pid, *(child.pid for child in below)]:
            _kill(one)
        for found in self._marked():
            _kill(found)

    def _marked(self) -> Iterator[int]:
        wanted = f"{MARK}={self.mark}".encode()
        for folder in Path("/proc").glob("[0-9]*") if self.mark else ():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)

    def close(self) -> None:
        """Nothing is held."""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it may end at any moment, also in the middle of this
        for one in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, _read(one / "children").split())
    return found


def _resident(pid: int) -> int:
    pages = _read(Path(f"/proc/{pid}/statm")).split()
    return int(pages[1]) * _PAGE if pages else 0


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
