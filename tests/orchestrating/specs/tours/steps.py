"""Orchestrators."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import darner
from darner import Call

from .types import Booking, Room, Trip, Wish


async def plan(wish: Wish, find: Call[str, Room], book: Call[Any, Booking], pay: Call[int, str]) -> Trip:
    """Look at all nights at once, book in an order of chance, another one in each life; pay at the end."""
    began, chance = darner.now(), random.Random()

    async def one(night: str) -> Booking:
        number = darner.uuid()
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        room = await find(night)
        return await book(room=room, number=str(number))

    bookings = await asyncio.gather(*(one(night) for night in wish.nights))
    await darner.sleep(0.01)
    paid = await pay(len(bookings))
    return Trip(city=wish.city, bookings=bookings, marks=[paid], began=began.isoformat())
