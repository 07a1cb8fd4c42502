"""Tools that note each of their effects in a file."""

from __future__ import annotations

from pathlib import Path


def _noted(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def look_up(log: str, topic: str) -> dict[str, str]:
    """Look a topic up."""
    _noted(log, f"look_up {topic}")
    return {"about": topic.upper()}


def reserve(log: str, item: str, number: str, idempotency_key: str) -> str:
    """Put an item aside."""
    _noted(log, f"reserve {item} {number} {idempotency_key}")
    return f"held {item}"
