"""What the spec beside this file names."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel


class Item(BaseModel):
    sku: str
    title: str


@dataclass
class Feed:
    path: Path

    def identity(self) -> str:
        return f"feed:{self.path}"


def feed(path, base):  # type: ignore[no-untyped-def]  # a connector's arguments need no annotations
    return Feed(base / path)


class Table:
    def __init__(self, *, path, base):  # type: ignore[no-untyped-def]  # likewise
        self.path = base / path

    def identity(self) -> str:
        return f"table:{self.path}"


def clean(item: Item) -> Item:
    return item
