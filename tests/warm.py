"""Programs for tests, each a process of its own, forked from a warm one: what is slow to import is imported once.

A command is what `subprocess` would be given: the interpreter with ``-c``, ``-m`` or a script, or the ``darner`` program. The
process is real: it has its own id, files and environment, is killed and looked at like any other. What differs from a fresh
interpreter: the modules that were asked for are there from the start, and so is the hash seed; and a program that ends is gone
once its threads, exit handlers and streams are done with, without taking all those modules apart, which costs more than most
programs do.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Self

from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
COMMAND = ("darner.runtime.cli.main", "darner.runtime.cli.run", "darner.runtime.project.load")
JOBS = (*COMMAND, "apache_beam", "pyarrow.parquet", "pyarrow.dataset", "darner.runtime.batch.driver")
TABLES = (*JOBS, "lance_namespace", "aiohttp")
"""For jobs into LanceDB: most of what it brings along. It starts a thread itself, which no fork would have."""
MODELS = (*COMMAND, "darner.runtime.perform.agents.agent_loop", "pydantic_ai.models.openai", "pydantic_ai.providers.openai")
LATE = ("s3fs", "gcsfs", "adlfs", "lancedb", "mcp.client.stdio", "mcp.server.mcpserver", "uvicorn", "numpy")
"""What programs import only when they need it."""
_LARGEST = 200_000
"""Bytes of a request: a command with its environment."""


class Process:
    """A process, as far as tests look at a `subprocess.Popen`; its output goes into files, and is text at its end."""

    def __init__(  # noqa: PLR0913 - like `subprocess.Popen`
        self,
        command: Sequence[object],
        *,
        imports: Sequence[str] = COMMAND,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: IO[Any] | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
    ) -> None:
        """Start it; streams that aren't given are empty, or kept for `communicate`. ``imports`` is there from the start."""
        self.args = [str(word) for word in command]
        self.returncode: int | None = None
        self._out = stdout or tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._err = stderr or tempfile.TemporaryFile()  # noqa: SIM115 - likewise
        said, saying = os.pipe()
        wanted = {"command": self.args, "cwd": str(cwd or Path.cwd()), "env": dict(os.environ if env is None else env)}
        message = json.dumps({**wanted, "imports": list(imports)}).encode()
        with Path(os.devnull).open("rb") as nothing:
            streams = [(stdin or nothing).fileno(), self._out.fileno(), self._err.fileno()]
            socket.send_fds(_warm(), [message], [*streams, saying])
        os.close(saying)
        self._said = os.fdopen(said, "rb", buffering=0)
        self.pid = int(self._said.readline())

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it lives."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            with selectors.DefaultSelector() as ends:
                ends.register(self._said, selectors.EVENT_READ)
                if not ends.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
            with self._said as said:
                self.returncode = os.waitstatus_to_exitcode(int(said.readline()))
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end, and return what it wrote to stdout and stderr."""
        self.wait(timeout)
        return _text(self._out), _text(self._err)

    def send_signal(self, number: int) -> None:
        """Send it a signal, where it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.kill()
        self.wait()


def _text(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode()


def run(command: Sequence[object], *, timeout: float = 280, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `Process` takes it."""
    with Process(command, **more) as process:
        out, err = process.communicate(timeout)
    return subprocess.CompletedProcess(process.args, process.returncode or 0, out, err)


@cache
def _warm() -> socket.socket:
    """Start the warm process of this one; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.warm", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def _served(control: socket.socket) -> Callable[[], None] | None:
    """Fork a process for each request, and tell its id, then how it ended. Returns in each fork, with its work; None at the end."""
    living: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(control, selectors.EVENT_READ)
        while True:
            for one, _ in ready.select():
                if one.fileobj is not control:
                    ready.unregister(one.fileobj)
                    _tell_end(*living.pop(one.fd), one.fd)
                    continue
                message, files, *_ = socket.recv_fds(control, _LARGEST, 4)
                if not message:
                    return None
                wanted = json.loads(message)
                _import(wanted["imports"])
                pid = os.fork()
                if not pid:
                    for handle in [control.fileno(), *living, *(said for _, said in living.values())]:
                        os.close(handle)
                    return lambda: _become(wanted, files)
                *streams, said = files
                for handle in streams:
                    os.close(handle)
                os.write(said, f"{pid}\n".encode())
                end = os.pidfd_open(pid)
                living[end] = pid, said
                ready.register(end, selectors.EVENT_READ)


def _tell_end(pid: int, said: int, end: int) -> None:
    os.close(end)
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError), os.fdopen(said, "wb") as told:
        told.write(f"{status}\n".encode())


def _import(names: Sequence[str]) -> None:
    missing = [name for name in names if name not in sys.modules]
    for name in missing:
        importlib.import_module(name)
    if missing:
        _complete(BaseModel)
        gc.collect()
        gc.freeze()  # a fork's first collection would touch, so copy, all of it


def _complete(kind: type[BaseModel]) -> None:
    """Build what our models put off until they are used first."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("darner.") and not one.__pydantic_complete__:
            one.model_rebuild()
        _complete(one)


def _become(wanted: Mapping[str, Any], files: Sequence[int]) -> None:
    """Be what was asked for: stand where it stands, then run its program."""
    os.setsid()
    for number, handle in enumerate(files[:3]):
        os.dup2(handle, number)
    for handle in files:
        os.close(handle)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    time.tzset()
    tempfile.tempdir = None
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    _execute(wanted["command"])


def _execute(command: Sequence[str]) -> None:
    program, *words = command
    if program != sys.executable:
        words = [program, *words]  # a Python script with the interpreter in its first line
    if words[0] == "-B":
        sys.dont_write_bytecode = True
        words = words[1:]
    match words:
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            sys.path.insert(0, "")
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - as `python -c`
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            sys.path.insert(0, str(Path.cwd()))
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *_]:
            sys.argv = words
            sys.path.insert(0, str(Path(script).resolve().parent))
            runpy.run_path(script, run_name="__main__")


def main() -> None:
    """Serve until the test's process is gone; a fork leaves through here as a program does. Without a word: only import."""
    if len(sys.argv) == 1:
        _import([*JOBS, *MODELS, *LATE])
        return
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path.pop(0)  # this folder, which `python -m` put there
    work = _served(control)
    if work is not None:
        _live(work)


def _live(work: Callable[[], None]) -> None:
    """Do a fork's work, and end as an interpreter does that is asked to exit. Any other exception is the interpreter's to tell."""
    code: object = None
    try:
        work()
    except SystemExit as left:
        code = left.code
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)  # noqa: T201 - as an interpreter does
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - nothing else waits for threads
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)  # nobody reads any more, or the disk is full: the interpreter says so in its own way
    os._exit(code or 0)


if __name__ == "__main__":
    main()
