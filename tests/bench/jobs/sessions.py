"""Sessions whose steps do nothing, written in the ways that a flow can be written."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pydantic import BaseModel

from darner import Call, Continue, Stop

SERVED_FROM: list[float] = []
"""When the code of a session that goes on began."""


class Steps(BaseModel):
    """How many steps a session has."""

    count: int


class Many(BaseModel):
    """How many sessions there are, and how many steps each has."""

    sessions: int
    count: int


class Long(BaseModel):
    """A session that is killed when its last step begins, unless ``marker`` is there; then it is noted when that was."""

    count: int
    marker: str


def numbers(count: int) -> list[int]:
    """Return the numbers below ``count``."""
    return list(range(count))


def add(number: int) -> int:
    """Return the next number: a plain function, which runs in a thread so that it can't hold anybody up."""
    return number + 1


async def add_async(number: int) -> int:
    """Return the next number."""
    return number + 1


async def walk(count: int, add: Call[int, int], first: int = 0) -> int:
    """Make steps one after another, each needing the one before."""
    number = first
    for _ in range(count):
        number = await add(number)
    return number


async def walk_async(count: int, add_async: Call[int, int], first: int = 0) -> int:
    """Likewise, over a function that is async."""
    return await walk(count, add_async, first)


def until(number: int, count: int) -> Continue[int] | Stop[int]:
    """Go on until there were enough steps."""
    return Continue(number) if number < count else Stop(number)


async def mortal(number: int, count: int, marker: str) -> int:
    """Return the next number; at the last one die, once."""
    if number == count - 1:
        _at_last(Path(marker))
    return number + 1


def _at_last(marker: Path) -> None:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    SERVED_FROM.append(time.perf_counter())


async def long_walk(count: int, marker: str, mortal: Call[..., int]) -> int:  # type: ignore[misc]  # pyright: ignore[reportInvalidTypeForm] - dots are for ParamSpecs only
    """Make steps one after another, the last of which is deadly."""
    SERVED_FROM.append(time.perf_counter())
    number = 0
    for _ in range(count):
        number = await mortal(number=number, count=count, marker=marker)
    return number
