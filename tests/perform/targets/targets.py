"""What children are asked to do in tests, however bad."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

from darner.runtime.failures import Refused

DETACHED = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
open(sys.argv[1] + ".new", "w").write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(120)
"""
"""The code of a process that leaves session and parent, says who it is, and goes on by itself."""


def echo(request: Any) -> Any:
    """Give back what came."""
    sys.stdout.write("a print that must not reach the pipe\n")
    return request


def pid(request: Any) -> int:
    """Return whose process this is."""
    return os.getpid()


def allocate(request: int) -> str:
    """Take so many MiB."""
    held = [b"x" * (1 << 20) for _ in range(request)]
    time.sleep(0.3 if held else 0)
    return "survived" if held else "small"


def grandchild(request: int) -> str:
    """Let a process below take so many MiB."""
    code = f"held = b'x' * ({request} << 20); import time; time.sleep(60)"
    subprocess.run([sys.executable, "-c", code], check=False)
    return "survived"


def raise_memory_error(request: Any) -> NoReturn:
    """Say that there is no memory."""
    raise MemoryError


def die(request: Any) -> str:
    """Die of a signal, or tell that this is alive."""
    if isinstance(request, int):
        os.kill(os.getpid(), request)
        time.sleep(60)
    return "alive"


def fail(request: str) -> NoReturn:
    """Raise an exception of darner's, or another one."""
    if request == "ours":
        raise Refused("not like that", help="do it otherwise")
    raise LookupError("no such thing")


def sleep(request: float) -> None:
    """Take so many seconds."""
    time.sleep(request)


class Counter:
    """Counts its calls, from what it was built with."""

    def __init__(self, setup: dict[str, int]) -> None:
        self.count = setup["start"]

    def __call__(self, request: Any) -> int:  # noqa: ARG002 - every target takes one
        """Count one."""
        self.count += 1
        return self.count


def threads(request: Any) -> str:
    """Return how many threads numeric libraries are allowed."""
    return os.environ["OMP_NUM_THREADS"]


def leave_behind(request: dict[str, Any]) -> int:
    """Start a process that goes on by itself, and stay so many seconds once it runs."""
    there = Path(request["file"])
    subprocess.run([sys.executable, "-c", DETACHED, str(there)], check=True)
    while not there.exists():
        time.sleep(0.01)
    time.sleep(request["stays"])
    return os.getpid()


def fork_and_die(request: str) -> None:
    """Fork without exec, so that the copy holds every descriptor, pipes too; then be killed."""
    there = Path(request)
    if os.fork() == 0:
        os.setsid()
        there.with_suffix(".new").write_text(str(os.getpid()))
        there.with_suffix(".new").rename(there)
        time.sleep(120)
        os._exit(0)
    while not there.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def write_scratch(request: dict[str, Any]) -> list[Any]:
    """Write so many bytes where temporary files go; return where that is, and what lay there before."""
    folder = Path(tempfile.gettempdir())
    found = sorted(one.name for one in folder.iterdir())
    (folder / "large").write_bytes(b"x" * request["bytes"])
    time.sleep(request["stays"])
    return [str(folder), found]


KEPT: list[Any] = []


def write_nameless(request: dict[str, Any]) -> int:
    """Write so many bytes to a temporary file without a name, in another process where asked; return our process id."""
    if request["below"]:
        below = {**request, "below": False}
        code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import targets; targets.write_nameless({below})"
        subprocess.run([sys.executable, "-c", code], check=True)
        return os.getpid()
    KEPT.append(tempfile.TemporaryFile())  # noqa: SIM115 - that it stays open is the point
    KEPT[-1].write(b"x" * request["bytes"])
    KEPT[-1].flush()
    time.sleep(request["stays"])
    return os.getpid()


def large(request: int) -> str:
    """Return a text of so many letters."""
    return "x" * request


def interrupt(request: str) -> None:
    """Raise what ends processes."""
    raise {"exit": SystemExit(3), "interrupt": KeyboardInterrupt(), "generator": GeneratorExit()}[request]


def close_everything(request: Any) -> str:
    """Do as daemons do."""
    with contextlib.suppress(OSError):
        os.closerange(0, 256)
    return "closed"
