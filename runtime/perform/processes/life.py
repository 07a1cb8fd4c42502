"""One child process from start to end: its pipes, what watches over it, why it died.

What crosses the pipes are frames: eight bytes of length (little-endian), then as many bytes of JSON.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...evidence import classify, failure_of
from ...failures import Crashed, Failure
from ...ports import Json
from ...signs import KilledFor, ProcessEnd
from ..world import new_uuid
from .child import LENGTH
from .groups import ControlGroup
from .memory import MARK, Enforcement, MemoryGuard, guard
from .scratch import Scratch

_CHUNK = 1 << 20
_LOOK, _LOOK_SELDOM = 0.02, 0.1
"""Seconds between looks: of the watchdog, whose care is all there is; at what the kernel enforces, and at folders and owners."""
_STARTED = 18
"""Where ``starttime`` stands behind the state."""
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TOKENIZERS_NUM_THREADS",
)


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that can't be mistaken for a later one of the same number.

    ``started`` is in ticks since the machine was: in seconds since 1970 it would be another number once the clock is set.
    None is for one that was gone already.
    """

    pid: int
    started: int | None

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Return the process that has this number now."""
        return cls(pid, _started(pid))

    @classmethod
    def mine(cls) -> ProcessId:
        """Return this process."""
        return cls.of(os.getpid())

    def alive(self) -> bool:
        """Return whether the process still runs on this machine."""
        return self.started is not None and _started(self.pid) == self.started


def _started(pid: int) -> int | None:
    """Return when a process was started, as ``proc_pid_stat(5)`` says it; None where it is gone, or only waits for its parent."""
    try:
        state, *others = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state in {"Z", "X"} else int(others[_STARTED])


@dataclass(frozen=True, slots=True)
class ChildTask:
    """What a child runs, and what it gets. ``memory`` and ``disk`` are in bytes; None promises nothing."""

    target: str
    setup: Json = None
    memory: int | None = None
    sys_path: tuple[str, ...] = ()
    threads: int | None = 1
    """For the numeric libraries: workers share the cores. None leaves that to them."""
    environment: Mapping[str, str] = field(default_factory=dict)
    owner: ProcessId | None = None
    """A process further up, whose end must end the child too: its own parent may outlive it for seconds."""
    enforcement: Enforcement | None = None
    disk: int | None = None
    """Of a folder of its own, where its temporary files go."""
    is_tidy: bool = False
    """Whether what a call leaves running ends with the call, and the process with it; else they end together."""


@dataclass
class _Begun:
    """What a keeper thread hands over once its process has started."""

    process: subprocess.Popen[bytes]
    guard: MemoryGuard
    scratch: Scratch | None
    pidfd: int | None


class Life:
    """One process from start to end. Its keeper thread starts it, since the kernel's signal watches that *thread*."""

    def __init__(self, task: ChildTask) -> None:
        self._task = task
        self._mark = new_uuid()
        self._end = threading.Event()
        self._why: KilledFor | None = None
        self._oom = False
        self._sending, self._exchanging = threading.Lock(), threading.Lock()
        # Its far end is closed when the process is gone: a pipe of the process may be held open by what it started.
        self._gone, self._alive = os.pipe()
        started: queue.SimpleQueue[_Begun | Exception] = queue.SimpleQueue()
        self._keeper = threading.Thread(target=self._keep, args=(started.put,), daemon=True, name="darner-child")
        self._keeper.start()
        found = started.get()
        if isinstance(found, Exception):
            os.close(self._gone)
            raise Crashed(f"a child process can't be started: {found}", help="look at the machine's limits on processes and memory")
        self._begun = found

    def _keep(self, started: Callable[[_Begun | Exception], None]) -> None:
        try:
            begun = self._begin()
        except Exception as error:  # noqa: BLE001 - whoever waits for the process is told, whatever it is
            os.close(self._alive)
            started(error)
            return
        started(begun)
        try:
            self._look(begun)
        finally:
            self._finish(begun)  # whatever went wrong with looking: nobody waits for a process that isn't watched

    def _begin(self) -> _Begun:
        with contextlib.ExitStack() as undone:
            scratch = None if self._task.disk is None else Scratch.make(self._task.disk)
            if scratch is not None:
                undone.callback(scratch.close)
            process = self._spawn(scratch)
            undone.callback(process.kill)
            watch = guard(process.pid, self._task.memory, self._task.enforcement, self._mark)
            undone.pop_all()
        return _Begun(process, watch, scratch, _pidfd(process.pid))

    def _spawn(self, scratch: Scratch | None) -> subprocess.Popen[bytes]:
        threads = {} if self._task.threads is None else dict.fromkeys(_THREAD_VARIABLES, str(self._task.threads))
        own = {} if scratch is None else scratch.environment
        environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", **threads, **self._task.environment, **own, MARK: self._mark}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", __name__.rpartition(".")[0] + ".child", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,
        )
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
        return process

    def _look(self, begun: _Begun) -> None:
        """Look after the process until it ends, or must."""
        pause = self._pause(begun)
        while not self._is_over(begun, pause):
            if begun.guard.exceeded():
                self._why = "memory"
            elif _overflows(begun):
                self._why = "disk"
            elif self._task.owner is not None and not self._task.owner.alive():
                self._why = "end"
            if self._why is not None:
                return

    def _pause(self, begun: _Begun) -> float | None:
        """Return the seconds between two looks; None where there is nothing to look at."""
        if self._task.memory is not None:
            return _LOOK_SELDOM if isinstance(begun.guard, ControlGroup) else _LOOK
        return None if begun.scratch is None and self._task.owner is None else _LOOK_SELDOM

    def _is_over(self, begun: _Begun, pause: float | None) -> bool:
        """Wait so long for the end of the process, or for somebody who wants it."""
        if begun.pidfd is None:
            return self._end.wait(pause or _LOOK_SELDOM) or begun.process.poll() is not None
        found = select.poll()
        found.register(begun.pidfd, select.POLLIN)
        return bool(found.poll(None if pause is None else pause * 1000)) or self._end.is_set()

    def _finish(self, begun: _Begun) -> None:
        begun.guard.kill()  # as long as the process is there, what is below it can be found
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(begun.process.pid, signal.SIGKILL)
        begun.process.wait()
        self._oom = begun.guard.killed()
        begun.guard.close()
        if begun.scratch is not None:
            begun.scratch.close()
        with self._sending:
            pidfd, begun.pidfd = begun.pidfd, None
            if pidfd is not None:
                os.close(pidfd)
        os.close(self._alive)

    def exchange(self, request: bytes) -> bytes | None:
        """Write one frame and return the one that answers it; None where the process is gone."""
        process = self._begun.process
        assert process.stdin is not None  # noqa: S101 - both are pipes, see _spawn
        assert process.stdout is not None  # noqa: S101 - likewise
        with self._exchanging:
            if process.stdin.closed:
                return None
            try:
                if not _write(process.stdin.fileno(), LENGTH.pack(len(request)) + request, self._gone):
                    return None
                reply = _Reader(process.stdout.fileno(), self._gone)
                head = reply.read(LENGTH.size)
                return None if head is None else reply.read(LENGTH.unpack(head)[0])
            except OSError:
                return None

    def lost_memory(self) -> bool:
        """Return whether a process of this tree was killed for its memory."""
        return self._oom or self._begun.guard.killed()

    def overflowed(self) -> bool:
        """Return whether the scratch folder holds more than it may."""
        return self._why == "disk" or _overflows(self._begun)

    def settle(self) -> bool:
        """Empty the scratch folder after a call, and return whether the process may be used again."""
        pid, scratch = self._begun.process.pid, self._begun.scratch
        if scratch is not None:
            scratch.clear()
            if scratch.is_held(pid):
                return False
        return not self._task.is_tidy or not self._begun.guard.others(pid)

    def leave(self) -> None:
        """Send the process, and nothing that it started, the signal that asks it to leave."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._begun.process.send_signal(signal.SIGTERM)

    def end(self, why: KilledFor | None = None) -> None:
        """Kill the process and all that it started, and wait until they are gone."""
        self._why = self._why or why
        self._end.set()
        with self._sending, contextlib.suppress(OSError):
            if self._begun.pidfd is not None:
                signal.pidfd_send_signal(self._begun.pidfd, signal.SIGKILL)
        self._keeper.join()
        with self._exchanging:  # who is still in there finds the process gone; a closed pipe's number may be another file's
            for pipe in (self._begun.process.stdin, self._begun.process.stdout):
                if pipe is not None:
                    pipe.close()
            gone, self._gone = self._gone, -1
            if gone >= 0:
                os.close(gone)

    def death(self) -> Failure:
        """Return why the process died: for memory only where there is evidence."""
        code = self._begun.process.returncode
        ended = ProcessEnd(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            oom_kills=int(self._oom),
            killed_for=self._why,
        )
        cause = classify(ended)
        return failure_of(cause, self._said(cause.kind, code))

    def _said(self, kind: str, code: int) -> str:
        task = self._task
        if kind == "oom":
            return "the process went over its memory" + (f" of {task.memory >> 20} MiB" if task.memory else "")
        if self._why == "disk" and task.disk is not None:
            return f"the process wrote more than its disk of {task.disk >> 20} MiB into its scratch folder"
        how = f"killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        return f"the process died: {how}"


def _signal_name(number: int) -> str:
    """Return what a signal is called; most of those for real-time have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _overflows(begun: _Begun) -> bool:
    return begun.scratch is not None and begun.scratch.exceeded(begun.guard.members())


def _pidfd(pid: int) -> int | None:
    """Return a descriptor that tells of a process's end (Linux 5.3); None where there is no such thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _write(pipe: int, content: bytes, gone: int) -> bool:
    """Write all of it, as long as somebody may read it; return whether that was so."""
    ready = select.poll()
    ready.register(pipe, select.POLLOUT)
    ready.register(gone, select.POLLIN)
    left = memoryview(content)
    while left:
        if gone in dict(ready.poll()):
            return False
        with contextlib.suppress(BlockingIOError):
            left = left[os.write(pipe, left[:_CHUNK]) :]
    return True


class _Reader:
    """Reads a pipe until as many bytes are there, or nobody can write them any more."""

    def __init__(self, pipe: int, gone: int) -> None:
        self._pipe = pipe
        self._poll: Any = select.poll()
        self._poll.register(pipe, select.POLLIN)
        self._poll.register(gone, select.POLLIN)

    def read(self, size: int) -> bytes | None:
        """Return so many bytes; None where the process ended before."""
        found = bytearray()
        while len(found) < size:
            ready = dict(self._poll.poll())
            if not ready.get(self._pipe, 0) & select.POLLIN:
                return None
            part = os.read(self._pipe, min(_CHUNK, size - len(found)))
            if not part:
                return None
            found += part
        return bytes(found)
