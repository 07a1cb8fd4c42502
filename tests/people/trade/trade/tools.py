"""A small shop whose tools write down what they do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field


class Start(BaseModel):
    """What a conversation is about."""

    what: str


class Wish(BaseModel):
    """What a customer says."""

    count: int = Field(ge=1, le=99)
    note: str = ""


def write(log: str, line: str) -> None:
    """Append one line."""
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def buy(item: str, count: int, log: str, idempotency_key: str) -> str:
    """Buy something."""
    write(log, f"buy {count} {item} {idempotency_key}")
    return f"{count} {item}"


def send(human: str, text: str, reminder: int, log: str) -> None:
    """Tell somebody that they are asked."""
    write(log, f"send {human} {reminder} {text}")


def buy_once(item: str, count: int, log: str, idempotency_key: str) -> str:
    """Buy something; a shop that has seen the key already sells nothing."""
    mark = Path(f"{log}.{idempotency_key}")
    if not mark.exists():
        mark.touch()
        write(log, f"buy {count} {item}")
    return f"{count} {item}"


class Only(BaseModel):
    """Which case is tried."""

    only: Literal["approval", "fail", "default", "escalate", "inbox"]


def which(only: Literal["approval", "fail", "default", "escalate", "inbox"]) -> Literal["approval", "fail", "default", "escalate", "inbox"]:
    """Return it, so that steps can be chosen by it."""
    return only


async def until_there(path: str) -> str:
    """Wait for a file."""
    while not Path(path).exists():  # noqa: ASYNC110, ASYNC240 - a file of the test's, from another process
        await asyncio.sleep(0.05)
    return "there"


def fragile(log: str) -> str:
    """Work the third time."""
    write(log, "tried")
    if len(Path(log).read_text(encoding="utf-8").splitlines()) < 3:
        msg = "the machine is jammed"
        raise RuntimeError(msg)
    return "made"


def loud(text: str) -> str:
    """Say it louder."""
    return text.upper()
