"""Work that would go on for an hour: in a process of its own, in a thread, in a task, in code that makes calls.

Once there is a file ``quick``, it is done at once.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import darner
from darner import Call

HOUR = 3600.0


def note(log: str, what: str) -> None:
    """Leave word that something has begun, or ended."""
    Path(log, what).touch()


def add(log: str, what: str, line: str) -> None:
    """Leave a line behind others."""
    with Path(log, what).open("a") as file:
        file.write(f"{line}\n")


def is_quick(log: str) -> bool:
    """Return whether nothing takes long any more."""
    return Path(log, "quick").exists()


class Task(BaseModel):
    """What a model is asked for."""

    what: str


class Said(BaseModel):
    """What it answers."""

    text: str


def caged(log: str) -> int:
    """Start a process, which starts another one; wait for it."""
    if is_quick(log):
        return 0
    below = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(3600)'])"
    note(log, "caged")
    return subprocess.run([sys.executable, "-c", below], check=False).returncode


async def tasked(log: str) -> int:
    """Wait in a task."""
    note(log, "tasked")
    try:
        if is_quick(log):
            return 1
        await asyncio.sleep(HOUR)
    finally:
        note(log, "tasked ended")
    return 1


def stubborn(log: str) -> int:
    """Wait in a thread, which nobody can end."""
    note(log, "stubborn")
    time.sleep(30)
    return 1


async def deaf(log: str) -> int:
    """Wait in a task that hears of no cancellation."""
    note(log, "deaf")
    while True:
        try:
            await asyncio.sleep(HOUR)
        except asyncio.CancelledError:
            continue


async def coded(wait: Call[Any, int], log: str) -> int:
    """Make calls, and sleep."""
    note(log, "coded")
    await asyncio.gather(wait(log=log), darner.sleep(0.0 if is_quick(log) else 50.0))
    return 1


async def sold(log: str, idempotency_key: str) -> str:
    """Write something that may be written again under the same key."""
    add(log, "sold", idempotency_key)
    if not is_quick(log):
        await asyncio.sleep(HOUR)
    return idempotency_key
