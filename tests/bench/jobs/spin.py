"""Three stages of plain Python that cost about 0.2 ms a row together, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

ROUNDS = 1100
"""About 70 µs a stage on the machine where the targets were set."""


@dataclass(frozen=True, slots=True)
class Row:
    """What goes in."""

    product_id: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Spun:
    """What comes out."""

    product_id: str
    title: str
    number: int


def _spin(text: str) -> int:
    number = len(text)
    for step in range(ROUNDS):
        number = (number * 31 + step) & 0xFFFF
    return number


def first(row: Row) -> Spun:
    """Spin once."""
    return Spun(row.product_id, row.title or "", _spin(row.title or ""))


def second(row: Spun) -> Spun:
    """Spin twice."""
    return Spun(row.product_id, row.title, row.number ^ _spin(row.title + "2"))


def third(row: Spun) -> Spun:
    """Spin once more."""
    return Spun(row.product_id, row.title, row.number ^ _spin(row.title + "3"))
