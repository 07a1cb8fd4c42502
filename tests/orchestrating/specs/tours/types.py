"""What goes through the handles."""

from __future__ import annotations

from pydantic import BaseModel


class Wish(BaseModel):
    """What a run is asked for."""

    city: str
    nights: list[str]
    order: str = "abc"


class Room(BaseModel):
    """What is found."""

    night: str
    price: int


class Booking(BaseModel):
    """What was booked."""

    night: str
    number: str
    key: str


class Trip(BaseModel):
    """What comes of it."""

    city: str
    bookings: list[Booking]
    marks: list[str]
    began: str
