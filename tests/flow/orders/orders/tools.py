"""Tools of the orders; each appends a line to a file when it really runs, so that effects can be counted."""

from __future__ import annotations

import os
from pathlib import Path

from .steps import Stock


def _count(log: str, line: str) -> None:
    handle = os.open(Path(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def look_up(sku: str, log: str) -> Stock:
    """Return how much there is of something."""
    _count(log, f"look_up {sku}")
    return Stock(sku=sku, count=len(sku) * 3)


def reserve(sku: str, log: str, idempotency_key: str) -> str:
    """Reserve something; a second call with the same key changes nothing."""
    _count(log, f"reserve {idempotency_key}")
    return f"reserved {sku}"


def ship(sku: str, log: str) -> str:
    """Send something off; every call sends one more."""
    _count(log, f"ship {sku}")
    return f"shipped {sku}"
