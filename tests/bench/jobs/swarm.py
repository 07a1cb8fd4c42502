"""Sessions whose steps are counted outside, and one of which kills all of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pydantic import BaseModel

from darner import Call


class Swarm(BaseModel):
    """How many sessions there are, how many steps each has, where steps are counted, and at which count all are killed."""

    sessions: int
    count: int
    counter: str
    deadly: int


class One(BaseModel):
    """One session of them; see `Swarm`."""

    first: int
    count: int
    counter: str
    deadly: int


def numbers(count: int) -> list[int]:
    """Return the numbers below ``count``."""
    return list(range(count))


async def tick(number: int, counter: str, deadly: int) -> int:
    """Return the next number, counted; from the deadly count on the process is killed, once."""
    _count(Path(counter), deadly)
    return number + 1


def _count(counter: Path, deadly: int) -> None:
    marker = counter.with_suffix(".died")
    # At or beyond: threads that count at once see the same number.
    if _counted(counter) >= deadly > 0 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def _counted(counter: Path) -> int:
    file = os.open(counter, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(file, b".")
    size = os.fstat(file).st_size
    os.close(file)
    return size


async def session(count: int, counter: str, deadly: int, tick: Call[..., int], first: int = 0) -> int:  # type: ignore[misc]  # pyright: ignore[reportInvalidTypeForm] - dots are for ParamSpecs only
    """Make steps one after another, each needing the one before."""
    number = first
    for _ in range(count):
        number = await tick(number=number, counter=counter, deadly=deadly)
    return number
