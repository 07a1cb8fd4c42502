"""The inside of a child process: it reads requests as JSON lines and answers them (``python -m …perform.processes.child``)."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO, NoReturn

from ... import exceptions
from ...ports import Json
from .. import values
from ..raising import HOUSE

OUT_OF_MEMORY = 91
"""The exit code that says: a MemoryError was raised."""
_SET_PARENT_DEATH_SIGNAL = 1


def main() -> None:
    """Answer requests until the pipe ends."""
    parent = int(sys.argv[1])
    requests, replies = _take_pipes()
    _die_with(parent)
    lines = iter(requests.readline, b"")
    function = _answered(replies, lambda: _prepare(json.loads(next(lines))), lambda _: {"ready": True})
    for line in lines:
        _answered(replies, partial(_called, function, line), lambda value: {"value": value})


def _called(function: Callable[[Json], Json], line: bytes) -> Json:
    return function(json.loads(line))


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves: what user code prints goes to stderr, what it reads is empty."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, replies


def _die_with(parent: int) -> None:
    """End with the parent, however it ends: by the kernel's signal, and by looking, where the signal isn't to be had."""
    ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch, args=(parent, threading.Event()), daemon=True).start()


def _watch(parent: int, never: threading.Event) -> NoReturn:
    while os.getppid() == parent:
        never.wait(0.5)
    os._exit(1)


def _prepare(order: Json) -> Callable[[Json], Json]:
    """Return the function that answers requests: the target itself, or what the target builds from ``setup``."""
    sys.path[0:0] = order["sys_path"]
    module, _, attribute = order["target"].partition(":")
    target: Any = getattr(importlib.import_module(module), attribute)
    found: Callable[[Json], Json] = target if order["setup"] is None else target(order["setup"])
    return found


def _answered(replies: BinaryIO, work: Callable[[], Any], shown: Callable[[Any], Json]) -> Any:
    """Do one piece of work and write its reply; a MemoryError ends the process, since what it left behind is unknown."""
    value: Any = None
    try:
        value = work()
        reply = shown(value)
        text = json.dumps(reply)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever user code raises goes back as words; nor does sys.exit end us
        text = json.dumps({"failure": exceptions.describe_failure(error, values.load, HOUSE)})
    replies.write(text.encode() + b"\n")
    replies.flush()
    return value


def place_of(error: BaseException) -> str | None:
    """Return the innermost place of an exception, outside the house where there is one; see `exceptions.place_of`."""
    return exceptions.place_of(error, HOUSE)


if __name__ == "__main__":
    main()
