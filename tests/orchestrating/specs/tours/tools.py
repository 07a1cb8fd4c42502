"""Tools that note each of their effects in a file."""

from __future__ import annotations

from pathlib import Path

from .types import Booking, Room


def _noted(log: str, line: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def find(log: str, night: str) -> Room:
    """Find a room: each time that it looks, it is a little dearer."""
    _noted(log, f"find {night}")
    return Room(night=night, price=100 + len(Path(log).read_text(encoding="utf-8").splitlines()))


def book(log: str, room: Room, number: str, idempotency_key: str) -> Booking:
    """Book a room."""
    _noted(log, f"book {room.night} {number} {room.price} {idempotency_key}")
    return Booking(night=room.night, number=number, key=idempotency_key)


def pay(log: str, amount: int) -> str:
    """Pay; nobody can say it twice without doing it twice."""
    _noted(log, f"pay {amount}")
    return f"paid {amount}"
