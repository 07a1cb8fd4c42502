"""What touches the world: each appends a line to a file when it really runs."""

from __future__ import annotations

from pathlib import Path


def price(sku: str, log: str) -> int:
    """Return what a thing costs."""
    _count(log, f"price {sku}")
    return 7 * len(sku)


def book(skus: list[str], log: str, idempotency_key: str) -> str:
    """Book things."""
    _count(log, f"book {idempotency_key}")
    return f"booked {len(skus)}"


def _count(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
