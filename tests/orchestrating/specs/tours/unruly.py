"""An orchestrator that does what it is told, however bad."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import darner
from darner import Call, CallableError, Exhausted, Network

from .types import Room


class Manner(BaseModel):
    """How to behave."""

    how: str


class Odd(ValueError):
    """The orchestrator's own exception."""


async def slow(log: str, idempotency_key: str) -> str:
    """Take a while to write."""
    await asyncio.sleep(0.3)
    with Path(log).open("a", encoding="utf-8") as file:  # noqa: ASYNC230 - a line into a local file
        file.write(f"slow {idempotency_key}\n")
    return "written"


def failing(log: str, code: int = 1) -> str:
    """Fail, each time, and note that it was asked."""
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"failing {code}\n")
    raise Network(f"nobody there ({code})")


async def orchestrate(manner: Manner, find: Call[str, Room], slow: Call[Any, str], failing: Call[Any, str]) -> str:
    """Behave."""
    handles = {"find": find, "slow": slow, "failing": failing}
    done: str = await globals()[manner.how](**handles)
    return done


async def raises(**_: Any) -> str:
    """Raise its own exception."""
    raise Odd("odd")


async def exits(**_: Any) -> str:
    """Try to end the process."""
    sys.exit(3)


async def blocks(find: Call[str, Room], **_: Any) -> str:
    """Block the event loop, and go on."""
    time.sleep(0.5)  # noqa: ASYNC251 - that is what is wrong with it
    return (await find("mo")).night


async def never_ends(find: Call[str, Room], **_: Any) -> str:
    """Go on whatever it is told."""
    while True:
        try:
            await asyncio.sleep(0.05)
            await find("mo")
        except (asyncio.CancelledError, CallableError, Exhausted):
            continue


async def leaves_tasks(slow: Call[Any, str], find: Call[str, Room], **_: Any) -> str:
    """Begin a write and a read, and wait for neither."""
    writing = asyncio.create_task(_of(slow()))
    reading = asyncio.create_task(_later(find))
    await asyncio.sleep(0.05)
    return f"left {not writing.done()} {not reading.done()}"


async def _of(call: Any) -> Any:
    return await call


async def _later(find: Call[str, Room]) -> Room:
    await asyncio.sleep(30)
    return await find("tu")


async def calls_for_ever(find: Call[str, Room], **_: Any) -> str:
    """Ask and ask."""
    number = 0
    while True:
        number += 1
        await find(f"night {number}")


async def catches(failing: Call[Any, str], find: Call[str, Room], **_: Any) -> str:
    """Do something else where a call fails."""
    try:
        await failing(code=7)
    except Network as error:
        room = await find(f"after {error.message}")
        await darner.sleep(0.01)
        return f"{room.night}, {error.type_name}"
    return "no"


async def moment_in_a_thread(**_: Any) -> str:
    """Take a moment where nobody can say whose it is."""
    return str(await asyncio.to_thread(darner.uuid))


async def changes_what_it_was_given(find: Call[str, Room], **_: Any) -> str:
    """Change a result, and get another one for the same question."""
    room = await find("mo")
    room.night = "changed"
    return f"{room.night} {(await find('mo')).night}"
