"""Tools and callables whose every real call appends a line to a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import BaseModel

from darner.runtime.language import Personal


class Parcel(BaseModel):
    """Something that is weighed; by its name only."""

    name: str


class Wide(BaseModel):
    """A parcel with more to it than its name."""

    name: str = ""
    colour: str = ""


class Order(BaseModel):
    """Whose parcels are weighed."""

    customer: Personal[str] = ""
    names: list[str] = []
    parcel: Wide = Wide()


def count(log: str, line: str) -> None:
    """Append a line."""
    handle = os.open(Path(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def weigh(name: str, log: str, seconds: float = 0.0) -> int:
    """Weigh something: as heavy as its name is long."""
    count(log, name)
    time.sleep(seconds)
    return len(name)


def label(parcel: Parcel, log: str) -> str:
    """Write a label."""
    count(log, f"label {parcel.name}")
    return parcel.name.upper()
