"""Control groups: one for each child's process tree, with its memory where that is promised (versions 2 and 1).

Sources: the kernel's ``cgroup-v2.rst`` (``memory.max``, ``memory.oom.group``, ``memory.events``, ``cgroup.kill``) and
``cgroup-v1/memory.rst`` (``memory.limit_in_bytes``, ``memory.oom_control``).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUP_ROOT = Path("/sys/fs/cgroup")
_COUNTER = itertools.count()
_PATIENCE = 5.0
"""Seconds within which killed processes are gone; what sleeps in the kernel may take longer, and is left to it."""
_PAUSE = 0.001


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

    def others(self, pid: int) -> bool:
        """Return whether the tree has more processes than ``pid``."""
        return any(one not in {0, pid} and not _is_dead(one) for one in map(int, _read(self.folder / "cgroup.procs").split()))

    def kill(self) -> None:
        """Kill every process of the tree, whatever sessions and parents they gave themselves, and wait until they are gone."""
        deadline = time.monotonic() + _PATIENCE
        while (members := self.members()) and time.monotonic() < deadline:
            for pid in members:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_PAUSE)

    def members(self) -> list[int]:
        """Return the tree's processes that still run; a process of another namespace reads 0, and is none of ours."""
        found = (int(line) for line in _read(self.folder / "cgroup.procs").split())
        return [pid for pid in found if pid > 0 and not _is_dead(pid)]

    def close(self) -> None:
        """Remove the group; what is still dying keeps it for the next sweep."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def control_group(pid: int, memory: int | None) -> ControlGroup | None:
    """Return a new group that holds ``pid``, bound to so many bytes (None: unbound); None where none can be made."""
    for parent, limits, counter in _hierarchies():
        _sweep(parent, counter)
        made = ControlGroup(parent / f"{_ours()}{os.getpid()}-{next(_COUNTER)}", counter)
        try:
            made.folder.mkdir()
        except OSError:
            continue
        if _limited(made.folder, {} if memory is None else limits, counter, pid, memory):
            return made
        made.close()
    return None


def own_kills() -> int | None:
    """Return how many processes of this one's own control group the kernel has killed for memory; None where it doesn't say.

    Children that have a group of their own count there.
    """
    for line in _read("/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and (CGROUP_ROOT / "cgroup.controllers").exists():
            found = [_kills(base / "memory.events.local") for base in _bases(CGROUP_ROOT, path)]
        elif "memory" in controllers.split(","):
            found = [_kills(base / "memory.oom_control") for base in _bases(CGROUP_ROOT / "memory", path)]
        else:
            continue
        if found[0] is not None:
            return found[0]
    return None


def _kills(counter: Path) -> int | None:
    """Return the number of kills that a counter file holds; None where this kernel doesn't count them."""
    found = re.search(r"^oom_kill (\d+)", _read(counter), re.MULTILINE)
    return int(found[1]) if found else None


def _is_dead(pid: int) -> bool:
    """Return whether a process is a zombie: it is a member until somebody waits for it."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in ([], ["Z"], ["X"])


def _limited(folder: Path, limits: dict[str, str], counter: str, pid: int, memory: int | None) -> bool:
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


def _ours() -> str:
    """Return what the names of our groups begin with: process ids mean something in their namespace only."""
    return f"darner-{namespace()}-"


def namespace() -> int:
    """Return the number of the namespace of our process ids; others may share folders with us."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _sweep(parent: Path, counter: str) -> None:
    """End what processes left that were killed before they could: children die with them, what these had started may not."""
    with contextlib.suppress(OSError):
        for folder in parent.glob(f"{_ours()}*-*"):
            if not psutil.pid_exists(int(folder.name.removeprefix(_ours()).split("-")[0])):
                left = ControlGroup(folder, counter)
                left.kill()
                left.close()


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
