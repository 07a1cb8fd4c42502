"""The process around an MCP server: it ends the server, and all that the server started, when its owner is gone.

``python -I -S guard.py OWNER COMMAND…`` runs the command on its own standard input and output. The owner may be killed at
any moment: the kernel tells this process so. It needs nothing but the standard library, to start quickly.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
GRACE = 1.0
"""Seconds that a server has to end by itself: its standard input has ended."""
_LOOK = 0.02
NOT_STARTED = 127


def main() -> None:
    """Run the command, and end with it."""
    owner, command = int(sys.argv[1]), sys.argv[2:]
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, _stop)
    if os.getppid() != owner:
        os._exit(1)
    try:
        server = subprocess.Popen(command, preexec_fn=_die_with_guard)  # noqa: PLW1509, S603 - one thread; the user's command
    except OSError as error:
        sys.stderr.write(f"{command[0]} can't be started: {error.strerror}\n")
        os._exit(NOT_STARTED)
    # Our own ends of the pipes would keep the owner from seeing that the server is gone.
    os.close(0)
    os.close(1)
    code = server.wait()
    _end_all(0.0)
    os._exit(code if code >= 0 else 128 - code)


def _die_with_guard() -> None:
    """Let the server end with this process, should somebody kill that one too."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value)


def _stop(_number: int, _frame: FrameType | None) -> Any:
    _end_all(GRACE)
    os._exit(1)


def _end_all(grace: float) -> None:
    """Wait so long for what was started to end, then end it; what its children left behind has become ours."""
    deadline = time.monotonic() + grace
    while _living() and time.monotonic() < deadline:
        time.sleep(_LOOK)
    while living := list(_living()):
        for pid in living:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK)


def _living() -> list[int]:
    """Return the processes below this one; those that have ended are taken away."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return list(_below(os.getpid()))


def _below(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _below(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, listed.read_text(encoding="ascii").split())
    return found


if __name__ == "__main__":
    main()
