"""What goes through the handles."""

from __future__ import annotations

from pydantic import BaseModel


class Wish(BaseModel):
    city: str
    nights: list[str]
    order: str = "abc"


class Room(BaseModel):
    night: str
    price: int


class Booking(BaseModel):
    night: str
    number: str
    key: str


class Trip(BaseModel):
    city: str
    bookings: list[Booking]
    marks: list[str]
    began: str
