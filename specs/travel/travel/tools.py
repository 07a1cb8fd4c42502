"""The hotels' system, as a file: one line a booking."""

from __future__ import annotations

from pathlib import Path


def book(hotel: str, nights: int, guest: str, bookings: str, idempotency_key: str) -> str:
    """Book a hotel; a key that was booked already gives the same booking."""
    file = Path(bookings)
    reference = idempotency_key[:8]
    known = file.read_text(encoding="utf-8") if file.exists() else ""
    if reference not in known:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{reference} {guest}: {nights} nights at {hotel}\n")
    return f"{reference}: {nights} nights at {hotel}"
