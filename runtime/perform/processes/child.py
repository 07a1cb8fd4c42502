"""The inside of a child process: it reads requests as frames of JSON and answers them (``python -m …perform.processes.child``)."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import struct
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO, NoReturn

from ... import exceptions
from ...evidence import OUT_OF_MEMORY
from ...ports import Json
from .. import values
from ..raising import HOUSE

LENGTH = struct.Struct("<Q")
"""What stands before each frame, see `life`."""
_SET_PARENT_DEATH_SIGNAL = 1


def main() -> None:
    """Answer requests until the pipe ends."""
    parent = int(sys.argv[1])
    requests, replies = _take_pipes()
    _die_with(parent)
    function: Callable[[Json], Json] | None = None
    for request in iter(partial(_read, requests), None):
        if function is None:
            function = _answered(replies, partial(_prepare, request), lambda _: {"ready": True})
        else:
            _answered(replies, partial(_called, function, request), lambda value: {"value": value})


def _read(requests: BinaryIO) -> bytes | None:
    """Return one frame, see `life`; None at the end."""
    head = requests.read(LENGTH.size)
    return requests.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else None


def _called(function: Callable[[Json], Json], request: bytes) -> Json:
    try:
        return function(json.loads(request))
    finally:
        # Who kills this process, kills what it has printed and kept.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()


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


def _prepare(request: bytes) -> Callable[[Json], Json]:
    """Return the function that answers requests: the target itself, or what the target builds from ``setup``."""
    order = json.loads(request)
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
        text = json.dumps(shown(value)).encode()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises goes back as words; nor does sys.exit end us
        text = _failure(error)
    replies.write(LENGTH.pack(len(text)))
    replies.write(text)
    replies.flush()
    return value


def _failure(error: BaseException) -> bytes:
    try:
        return json.dumps({"failure": exceptions.describe_failure(error, values.load, HOUSE)}).encode()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def place_of(error: BaseException) -> str | None:
    """Return the innermost place of an exception, outside the house where there is one; see `exceptions.place_of`."""
    return exceptions.place_of(error, HOUSE)


if __name__ == "__main__":
    main()
