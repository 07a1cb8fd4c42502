"""Callables that really get into trouble: they allocate, are killed, are asked to leave, raise."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

from pydantic import BaseModel


class Task(BaseModel):
    """What a model is asked for."""

    what: str


class Said(BaseModel):
    """What it answers."""

    count: int


class Odd(Exception):
    """An exception of the user's own."""


def _note(what: str, log: str) -> int:
    """Note an attempt; return how many there have been."""
    path = Path(log) / what
    with path.open("a", encoding="utf-8") as file:
        file.write("tried\n")
    return len(path.read_text(encoding="utf-8").splitlines())


def oom(what: str, log: str) -> int:
    """Allocate more than this process may have, page by page."""
    _note(what, log)
    kept = []
    while True:
        kept.append(b"x" * 2_000_000)


def preempted(what: str, log: str) -> int:
    """Be asked to leave, as by a platform that takes the machine away: the bare step once, the others always."""
    if _note(what, log) == 1 or what != "bare":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    return 1


def crashed(what: str, log: str) -> int:
    """Be killed by somebody."""
    _note(what, log)
    os.kill(os.getpid(), signal.SIGKILL)
    return 1


def network(what: str, log: str) -> int:
    """Knock at a door that is shut: the bare step twice, the others always."""
    if _note(what, log) <= 2 or what != "bare":
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and nobody listens
            socket.create_connection(taken.getsockname(), timeout=10).close()
    return 1


def pay(log: str) -> int:
    """Pay, and lose the connection before it is known whether that worked."""
    _note("paid", log)
    left, right = socket.socketpair()
    right.close()
    left.sendall(b"paid")
    return 1


def error(what: str, log: str) -> int:
    """Raise."""
    _note(what, log)
    msg = f"{what} is odd"
    raise Odd(msg) from KeyError(what)
