"""What each run of the fleet does: looks, asks, buys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from darner.runtime.language import Ask, Call


class Job(BaseModel):
    """One run's job."""

    name: str
    kind: str
    looks: int
    asks: bool


def _count(log: str, line: str) -> None:
    handle = os.open(Path(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def look(what: str, log: str) -> str:
    """Look at something."""
    _count(log, f"look {what}")
    return what


def buy(what: str, log: str, idempotency_key: str) -> str:
    """Buy something, unless the shop is shut."""
    if not Path(log).with_name("open").exists():
        msg = "the shop is shut"
        raise ValueError(msg)
    _count(log, f"buy {what} {idempotency_key}")
    return what


async def work(job: Job, look: Call[Any, str], buy: Call[Any, str], chief: Ask[str]) -> list[str]:
    """Do a job."""
    found = [await look(what=f"{job.name}-{number}") for number in range(job.looks)]
    if job.asks:
        found.append(await chief(what=job.name))
    found.append(await buy(what=job.name))
    return found
