"""A step that calls the tools of a server from Python."""

from __future__ import annotations

from typing import Any

from darner import Call


async def open_all(titles: list[str], desk_create_issue: Call[Any, Any]) -> list[int]:
    """Open an issue for each title."""
    return [(await desk_create_issue(title=title))["number"] for title in titles]
