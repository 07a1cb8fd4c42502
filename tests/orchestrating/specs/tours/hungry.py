"""Memory, asked for in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from darner import Call, OutOfMemory


class Hunger(BaseModel):
    """How much is eaten."""

    megabytes: int
    how: str


def eat(log: str, megabytes: int) -> int:
    """Take so much memory."""
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"eat {megabytes}\n")
    return len(bytes(b"x" * (megabytes << 20))) >> 20


async def feed(hunger: Hunger, eat: Call[Any, int], climb: Call[Any, int]) -> str:
    """Try with little memory, then with more; or let the tool's own ladder do that."""
    if hunger.how == "ladder":
        return f"climbed {await climb(megabytes=hunger.megabytes)}"
    if hunger.how == "wrong":
        return str(await eat.on(memory="a lot")(megabytes=1))
    if hunger.how == "unknown":
        return str(await eat.on(wings=2)(megabytes=1))
    try:
        return f"ate {await eat.on(memory='200Mi')(megabytes=hunger.megabytes)}"
    except OutOfMemory:
        return f"ate {await eat.on(memory='700Mi')(megabytes=hunger.megabytes)} with more"
