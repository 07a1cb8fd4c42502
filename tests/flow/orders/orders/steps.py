"""Pure steps of the orders."""

from __future__ import annotations

import asyncio
import os
from typing import Literal

from pydantic import BaseModel


class Order(BaseModel):
    """What somebody wants."""

    customer: str
    skus: list[str]
    gift: bool = False


class Split(BaseModel):
    """An order taken apart."""

    skus: list[str]


class Stock(BaseModel):
    """How much there is of one thing."""

    sku: str
    count: int


def split(order: Order) -> Split:
    """Take an order apart."""
    return Split(skus=[sku.upper() for sku in order.skus])


def size(stock: list[Stock]) -> Literal["small", "large"]:
    """Say how large a parcel will be."""
    return "large" if sum(one.count for one in stock) > 20 else "small"


async def pack(stock: list[Stock], kind: str) -> str:
    """Pack a parcel."""
    await asyncio.sleep(0)
    return f"{kind}: {', '.join(one.sku for one in stock)}"


def note(text: str) -> str:
    """Write a note."""
    return f"noted {text}"


def hungry(megabytes: int) -> int:
    """Use so much memory, and say so."""
    held = bytearray(megabytes << 20)
    held[::4096] = b"x" * len(held[::4096])
    return len(held) >> 20


def pid_of(number: int) -> list[int]:
    """Return a number and the process that saw it."""
    return [number, os.getpid()]


def sizes() -> list[int]:
    """Return two large sizes."""
    return [400, 401]
