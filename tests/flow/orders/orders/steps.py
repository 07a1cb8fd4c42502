"""Pure steps of the orders."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
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


async def pid_later(number: int) -> list[int]:
    """Return a number and the process that saw it, and let an event loop go round."""
    await asyncio.sleep(0.01)
    return [number, os.getpid()]


class Tally(BaseModel):
    """What a class makes of a number."""

    number: int
    pid: int = 0

    def __init__(self, number: int) -> None:
        super().__init__(number=number, pid=os.getpid())


class _Doubling:
    def __call__(self, number: int) -> list[int]:
        """Return twice the number, and the process that saw it."""
        return [2 * number, os.getpid()]


doubling = _Doubling()


def meet(folder: str, number: int) -> list[int]:
    """Return once another one is here, too."""
    (Path(folder) / str(number)).touch()
    deadline = time.monotonic() + 60
    while len(list(Path(folder).iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    return [len(list(Path(folder).iterdir())), os.getpid()]


def linger(there: str) -> None:
    """Start a process that leaves this one's session, say who it is, and take a minute."""
    code = "import os, sys, time; os.setsid(); open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(120)"
    with subprocess.Popen([sys.executable, "-c", code, there]):
        time.sleep(60)


def fill(megabytes: int) -> str:
    """Write so much where temporary files go, and return where that is."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"x" * (megabytes << 20))
    return str(Path(file.name).parent)


def threads(number: int) -> list[str]:
    """Return how many threads numeric libraries are allowed."""
    return [str(number), os.environ.get("OMP_NUM_THREADS", "any")]


async def note_later(text: str) -> str:
    """Write a note, once the event loop has gone round."""
    await asyncio.sleep(0)
    return f"noted {text}"


def usage(number: int) -> list[int]:
    """Return the process that saw a number, its resident bytes, its descriptors."""
    del number
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return [os.getpid(), resident, len(list(Path("/proc/self/fd").iterdir()))]
