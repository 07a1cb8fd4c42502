"""Promised memory, enforced: a control group where one can be made, else a watchdog over the resident size."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import psutil

Enforcement = Literal["cgroup", "watchdog"]
CGROUP_ROOT = Path("/sys/fs/cgroup")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_COUNTER = itertools.count()


class MemoryGuard(Protocol):
    """Holds one process tree to its memory."""

    def exceeded(self) -> bool:
        """Return whether the tree is over its memory now and must be killed by the caller; called every few ms."""
        ...

    def killed(self) -> bool:
        """Return whether there is evidence that the tree was killed for its memory."""
        ...

    def close(self) -> None:
        """Give back what the guard holds, once the tree is gone."""
        ...


def guard(pid: int, memory: int | None, how: Enforcement | None = None) -> MemoryGuard:
    """Return a guard that holds ``pid`` and its descendants to ``memory`` bytes (None: no bound).

    ``how`` None takes a control group where one can be made below this process's own, and the watchdog otherwise.
    """
    if memory is None:
        return _Unbounded()
    found = None if how == "watchdog" else _control_group(pid, memory)
    return found or Watchdog(pid, memory)


class _Unbounded:
    def exceeded(self) -> bool:
        return False

    def killed(self) -> bool:
        return False

    def close(self) -> None:
        pass


@dataclass
class Watchdog:
    """Looks at the resident size. What it lets through is what can be allocated between two looks."""

    pid: int
    memory: int
    _found: bool = False
    _looks: Iterator[int] = field(default_factory=itertools.count)

    def exceeded(self) -> bool:
        """Look at the process each time, at its descendants (slower to find) every tenth time."""
        resident = _resident(self.pid)
        if next(self._looks) % 10 == 0:
            resident += _resident_below(self.pid)
        self._found = self._found or resident > self.memory
        return self._found

    def killed(self) -> bool:
        """Return whether a look found too much: the caller kills then."""
        return self._found

    def close(self) -> None:
        """Nothing is held."""


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _resident_below(pid: int) -> int:
    try:
        return sum(_resident(child.pid) for child in psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return 0


@dataclass
class ControlGroup:
    """A control group of its own for one tree; the kernel kills, and its counter is the evidence."""

    folder: Path
    counter: str
    """The file that holds ``oom_kill N``."""

    def exceeded(self) -> bool:
        """The kernel does the killing of one process; the rest of its tree must go too."""
        return self.killed()

    def killed(self) -> bool:
        """Return whether the kernel counted a kill for memory in this group."""
        return _kills(self.folder / self.counter) not in {0, None}

    def close(self) -> None:
        """Remove the group; what is still dying keeps it for the next sweep."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def _kills(counter: Path) -> int | None:
    """Return the number of kills that a counter file holds; None where this kernel doesn't count them."""
    try:
        found = re.search(r"^oom_kill (\d+)", counter.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _control_group(pid: int, memory: int) -> ControlGroup | None:
    for parent, limits, counter in _hierarchies():
        _sweep(parent)
        folder = parent / f"darner-{os.getpid()}-{next(_COUNTER)}"
        made = ControlGroup(folder, counter)
        try:
            folder.mkdir()
        except OSError:
            continue
        if not _limited(folder, limits, counter, pid, memory):
            made.close()
            continue
        return made
    return None


def _limited(folder: Path, limits: dict[str, str], counter: str, pid: int, memory: int) -> bool:
    """Return whether a new group has its limits, counts its kills, and holds the process."""
    try:
        for name, value in limits.items():
            _write_limit(folder / name, value or str(memory))
        (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
    except OSError:
        return False
    return _kills(folder / counter) is not None


def _write_limit(path: Path, value: str) -> None:
    """Write one limit. Limits on swap don't exist everywhere; without swap they say nothing."""
    try:
        path.write_text(value, encoding="ascii")
    except OSError:
        if "sw" not in path.name:
            raise


def _hierarchies() -> Iterator[tuple[Path, dict[str, str], str]]:
    """Yield folders under which a group may be made, with the limits to write ("" stands for the memory) and the counter."""
    for line in _read("/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and (CGROUP_ROOT / "cgroup.controllers").exists():
            limits = {"memory.max": "", "memory.swap.max": "0", "memory.oom.group": "1"}
            yield from ((base, limits, "memory.events") for base in _bases(CGROUP_ROOT, path) if _delegates(base))
        elif "memory" in controllers.split(","):
            limits = {"memory.limit_in_bytes": "", "memory.memsw.limit_in_bytes": ""}
            yield from ((base, limits, "memory.oom_control") for base in _bases(CGROUP_ROOT / "memory", path))


def _bases(mount: Path, path: str) -> Iterator[Path]:
    """Yield this process's own folder; inside a container the path may be the host's, and the mount's root is ours."""
    own = mount / path.lstrip("/")
    yield own if own.is_dir() else mount


def _delegates(base: Path) -> bool:
    """Return whether groups below ``base`` can have a memory limit (control groups, version 2)."""
    control = base / "cgroup.subtree_control"
    if "memory" not in _read(control):
        with contextlib.suppress(OSError):
            control.write_text("+memory", encoding="ascii")
    return "memory" in _read(control)


def _sweep(parent: Path) -> None:
    """Remove empty groups of processes that were killed before they could."""
    with contextlib.suppress(OSError):
        for folder in parent.glob("darner-*-*"):
            if not psutil.pid_exists(int(folder.name.split("-")[1])):
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
