"""A step that calls the tools of a server from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from darner import Call


async def open_all(titles: list[str], desk_create_issue: Call[Any, Any]) -> list[int]:
    """Open an issue for each title."""
    return [(await desk_create_issue(title=title))["number"] for title in titles]


def read(name: str) -> str:
    """Return what a file says."""
    return Path(name).read_text(encoding="utf-8")


async def open_and_check(titles: list[str], desk_create_issue: Call[Any, Any]) -> list[int]:
    """Open an issue for each title, then fail unless the first one is a file; open one more where that says so."""
    numbers = await open_all(titles, desk_create_issue)
    told = read(titles[0])
    return [*numbers, (await desk_create_issue(title="one more"))["number"]] if "more" in told else numbers
