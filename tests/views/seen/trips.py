"""Steps and tools of a trip; each tool appends a line to a file when it really runs."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel

from darner.runtime.language import Bail, Continue, Personal, Stop


class Wish(BaseModel):
    """What a traveller wants."""

    traveller: Personal[str] = ""
    towns: list[str] = []
    log: str = ""


class Offer(BaseModel):
    """What is proposed to them."""

    traveller: Personal[str]
    towns: list[str]


class Draft(BaseModel):
    """A text that gets better by the round."""

    text: str
    log: str = ""


def count(log: str, line: str) -> None:
    """Append a line."""
    handle = os.open(Path(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def start(wish: Wish) -> list[str]:
    """Return the towns."""
    return wish.towns


def price(town: str, log: str) -> int:
    """Say what a town costs; towns with a question mark have no price."""
    count(log, f"price {town}")
    if town.endswith("?") and not Path(f"{log}.fixed").exists():
        msg = f"nobody knows what {town} costs"
        raise ValueError(msg)
    return len(town)


def book(towns: list[str], log: str, idempotency_key: str) -> str:
    """Book a trip; a second call with the same key changes nothing."""
    count(log, f"book {idempotency_key}")
    return ", ".join(towns)


def offer(wish: Wish, booked: str) -> Offer:
    """Say what was booked."""
    return Offer(traveller=wish.traveller, towns=booked.split(", "))


def draft(wish: Wish) -> Draft:
    """Begin a text."""
    return Draft(text="", log=wish.log)


def improve(state: Draft, round_: int) -> str:
    """Say one thing more."""
    count(state.log, f"improve {round_}")
    return f"{state.text}{round_}"


def enough(state: Draft, text: str) -> Continue[Draft] | Stop[Draft] | Bail:
    """Go on until there are three."""
    made = Draft(text=text, log=state.log)
    return Stop(made) if len(text) >= 3 else Continue(made)


def alone(town: str) -> list[str]:
    """Return a list of one."""
    return [town]
