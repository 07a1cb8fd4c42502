"""A step that calls the tools of a server from Python."""

from __future__ import annotations

from typing import Any

from darner import Call


# Type checkers know the dots of ParamSpecs only.
async def open_all(titles: list[str], desk_create_issue: Call[..., Any]) -> list[int]:  # type: ignore[misc]  # pyright: ignore[reportInvalidTypeForm]
    """Open an issue for each title."""
    return [(await desk_create_issue(title=title))["number"] for title in titles]
