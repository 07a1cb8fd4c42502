"""Where the time goes: what the main thread does is noted every few milliseconds, and counted by room.

A timer's signal interrupts whatever there is, a wait for the disk too; so time is wall time, and what runs in other
threads shows as waiting. A sample belongs to the innermost file of ours; the standard library works for whoever called it.
"""

from __future__ import annotations

import asyncio
import linecache
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from darner.runtime import events

EVERY = 0.002
HOUSE = Path(events.__file__).parents[1]
JOBS = Path(__file__).resolve().parents[1] / "jobs"
LOOP = str(Path(asyncio.__file__).parent)


@contextmanager
def sampled() -> Iterator[Counter[str]]:
    """Count samples by room as long as the block lasts."""
    rooms: Counter[str] = Counter()

    def note(_number: int, frame: FrameType | None) -> None:
        rooms[_room(frame)] += 1

    before: Any = signal.signal(signal.SIGALRM, note)
    signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)
    try:
        yield rooms
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _room(frame: FrameType | None) -> str:
    """Return whose a moment is: a file of the house, ``sync``, ``loop``, ``waiting``, or the user's ``code``."""
    innermost = frame
    while frame is not None:
        name = frame.f_code.co_filename
        if _is_in(name, HOUSE):
            return "sync" if "sync(" in linecache.getline(name, frame.f_lineno or 0) else str(Path(name).relative_to(HOUSE))
        if _is_in(name, JOBS):
            return "code"
        if name.startswith(LOOP):
            return "waiting" if innermost is not None and innermost.f_code.co_name == "select" else "loop"
        frame = frame.f_back
    return "loop"


def _is_in(name: str, folder: Path) -> bool:
    return name.startswith(str(folder))
