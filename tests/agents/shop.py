"""Types, tools and checks of a small shop, as a user would write them."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from pathlib import Path
from typing import Any, TypedDict

from pydantic import BaseModel, Field

from darner.runtime.failures import Network, Semantic


class Question(BaseModel):
    """What a traveller asks."""

    city: str


class Answer(BaseModel):
    """What they are told."""

    text: str = Field(min_length=2)


class Product(BaseModel):
    """Something to sell."""

    id: str
    title: str


class Enriched(Product):
    """A product, and what a model saw in it."""

    colour: str


class Line(TypedDict):
    """The lines of an order."""

    items: list[str]


@dataclasses.dataclass
class Order:
    """An order."""

    number: int
    line: Line
    product: Product | None = None


class Stock(BaseModel):
    """How many there are."""

    item: str
    count: int


class Filter(BaseModel):
    """What is looked for."""

    colour: str
    largest: int = 10


def stock(item: str) -> Stock:
    """How many are in stock.

    Args:
        item: the item's name,
            as it is printed on it
    """
    return Stock(item=item, count=len(item))


async def slow_stock(item: str) -> Stock:
    """How many are in stock, after a moment."""
    await asyncio.sleep(0.2)
    return Stock(item=item, count=len(item))


def thread_of() -> str:
    """Name the thread that a tool runs in."""
    return threading.current_thread().name


def find(wanted: Filter, where: str, limit: int = 3) -> list[str]:
    """Find things."""
    return [f"{where}:{wanted.colour}:{wanted.largest}"] * limit


def keyed(item: str, idempotency_key: str) -> str:
    """Tell the key."""
    return f"{item}:{idempotency_key}"


def broken(item: str) -> str:
    """Never works."""
    raise KeyError(item)


def picky(item: str) -> str:
    """Take only what is in the catalogue."""
    if item != "mug":
        msg = f"{item} is not in the catalogue; there is: mug"
        raise Semantic(msg)
    return "a mug"


def sleepy() -> str:
    """Take too long."""
    time.sleep(0.4)
    return "late"


def leaky(token: str) -> str:
    """Fail with a secret in the message."""
    msg = f"login with {token} failed"
    raise RuntimeError(msg)


def leaky_refusal(token: str) -> str:
    """Refuse, with a secret in the message."""
    msg = f"{token} is no key"
    raise Semantic(msg)


def leaky_network(token: str) -> str:
    """Fail with a class of darner's own, with a secret in its texts."""
    msg = f"no way to {token}.example.org"
    raise Network(msg, help=f"look whether {token} is right")


def count_rows(rows: Any) -> int:
    """Count a dataset's rows."""
    return sum(1 for _ in rows.scan())


def look_up(rows: Any, key: str) -> Any:
    """Look up a row."""
    return rows.get(key)


def anything(*args: Any) -> str:
    """Take what no model can name."""
    return str(args)


def no_shouting(answer: Answer) -> bool:
    return not answer.text.isupper()


def says_city(given: Question, answer: Answer) -> str | None:
    return None if given.city in answer.text else f"name the city {given.city}"


async def raises(answer: Answer) -> None:
    raise ZeroDivisionError


def reserve(item: str, log: str, idempotency_key: str) -> str:
    """Reserve an item: at the shop, a key that was seen before reserves nothing more."""
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{item} {idempotency_key}\n")
    return f"reserved {item}"
