"""What this machine has, as far as this process may use it."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_BOUNDS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Return the bytes of memory that there are, or that this process's control group may use."""
    return min([psutil.virtual_memory().total, *_bounds()])


def devices() -> int:
    """Return how many GPUs the driver shows (NVIDIA's; ``/proc/driver/nvidia``)."""
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def _bounds() -> list[int]:
    found = []
    for name in _BOUNDS:
        try:
            text = Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return found
