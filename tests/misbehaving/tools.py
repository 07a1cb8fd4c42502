"""Tools that do what tools shouldn't. ``log`` is a file in which each says that it was called."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any


def _note(log: str, word: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{word} {os.getpid()}\n")


def fine(log: str, item: str = "x") -> str:
    """Behave."""
    _note(log, "fine")
    return f"fine {item}"


def unstorable(log: str) -> Any:
    """Return what is no data."""
    _note(log, "unstorable")
    return {"lock": threading.Lock()}


def circular(log: str) -> Any:
    """Return a list that contains itself."""
    _note(log, "circular")
    found: list[Any] = []
    found.append(found)
    return found


def generator(log: str) -> Iterator[int]:
    """Yield."""
    _note(log, "generator")
    yield 1


def makes_generator(log: str) -> Iterator[int]:
    """Return a generator."""
    _note(log, "makes_generator")
    return (n for n in range(3))


async def async_generator(log: str) -> AsyncIterator[int]:
    """Yield, later."""
    _note(log, "async_generator")
    yield 1


def coroutine(log: str) -> Any:
    """Return a coroutine."""
    _note(log, "coroutine")

    async def later() -> str:
        await asyncio.sleep(0)
        return "awaited"

    return later()


def prints(log: str) -> str:
    """Print, by Python and by a program."""
    _note(log, "prints")
    print("from python")  # noqa: T201 - that is what it is for
    sys.stdout.write("from the stream\n")
    sys.stdout.flush()
    os.write(1, b"from the descriptor\n")
    subprocess.run([sys.executable, "-c", "print('from a program')"], check=True)
    return "printed"


def exits(log: str) -> str:
    """End the process, politely."""
    _note(log, "exits")
    sys.exit(7)


def leaves(log: str) -> str:
    """End the process, with no chance for anybody to say a word."""
    _note(log, "leaves")
    os._exit(9)


async def exits_later(log: str) -> str:
    """End the process from a coroutine."""
    _note(log, "exits_later")
    await asyncio.sleep(0)
    raise SystemExit


class Odd(BaseException):
    """An exception that nobody is meant to catch."""


def raises_odd(log: str) -> str:
    """Raise it."""
    _note(log, "raises_odd")
    raise Odd("odd")


async def interrupts(log: str) -> str:
    """Raise what Ctrl-C raises."""
    _note(log, "interrupts")
    raise KeyboardInterrupt


async def cancels(log: str) -> str:
    """Raise what a cancellation raises, with nobody having cancelled."""
    _note(log, "cancels")
    raise asyncio.CancelledError


def stops(log: str) -> str:
    """Raise what ends an iteration."""
    _note(log, "stops")
    raise StopIteration("no more")


def forks(log: str) -> str:
    """Fork, and forget to end the copy."""
    _note(log, "forks")
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return "forked"


async def forks_async(log: str) -> str:
    """Fork from a coroutine, and let the copy raise."""
    _note(log, "forks_async")
    child = os.fork()
    if child == 0:
        raise RuntimeError
    os.waitpid(child, 0)  # noqa: ASYNC222 - as such tools do
    return "forked"


async def blocks(log: str) -> str:
    """Hold up the event loop."""
    _note(log, "blocks")
    time.sleep(1.5)  # noqa: ASYNC251 - that is what it is for
    return "blocked"


def mutates(log: str, items: list[str]) -> int:
    """Change what it was given."""
    _note(log, "mutates")
    items.clear()
    return len(items)
