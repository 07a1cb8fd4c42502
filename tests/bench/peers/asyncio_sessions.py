"""Bare asyncio: the same steps with nothing kept. Nothing survives a kill; whatever anybody adds, it adds to this."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from .course import WARM, Course, main


async def step(number: int) -> int:
    """Return the next number."""
    return number + 1


async def session(steps: int, first: int = 0) -> int:
    """Make steps one after another, each in a task of its own, as durable runtimes do."""
    number = first
    for _ in range(steps):
        number = await asyncio.create_task(step(number))
    return number


def sequence(course: Course) -> Mapping[str, Any]:
    """One session."""

    async def go() -> float:
        await session(WARM)
        began = time.perf_counter()
        assert await session(course.steps) == course.steps
        return time.perf_counter() - began

    return {"seconds": asyncio.run(go())}


def sessions(course: Course) -> Mapping[str, Any]:
    """Many sessions side by side."""

    async def go() -> float:
        began = time.perf_counter()
        ends = await asyncio.gather(*(session(course.steps, first) for first in range(course.sessions)))
        assert ends == [first + course.steps for first in range(course.sessions)]
        return time.perf_counter() - began

    return {"seconds": asyncio.run(go())}


if __name__ == "__main__":
    main({"sequence": sequence, "sessions": sessions})
