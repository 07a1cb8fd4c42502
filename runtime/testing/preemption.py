"""A machine that is taken away: SIGTERM to a process, and SIGKILL to all that is left of it after a time of grace."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

import psutil

_LOOK_SECONDS = 0.02


def preempt(pid: int, *, grace: float = 10.0, everyone: bool = False) -> bool:
    """Take a process's machine away, and return whether everything had left in time.

    Platforms tell the first process of a container, or ``everyone``: what it has started, too. What is there after ``grace``
    seconds is killed, whoever was told; real platforms wait for 25 (pods), 30 or 120 seconds (machines).
    """
    there = _tree(pid)
    for one in there if everyone else there[:1]:
        with contextlib.suppress(psutil.Error):
            one.terminate()
    deadline = time.monotonic() + grace
    while (left := _alive(there)) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        there += [one for one in _tree(pid) if one not in there]
    for one in left:
        with contextlib.suppress(psutil.Error):
            one.kill()
    return not left


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _alive(some: Iterable[psutil.Process]) -> list[psutil.Process]:
    return [one for one in some if _is_alive(one)]


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
