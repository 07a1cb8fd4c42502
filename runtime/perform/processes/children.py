"""Child processes with enforced memory: one pool a set of resources, jobs in and results out as JSON lines.

::

    with ChildPool(ChildTask(target="module.path:function", memory=1 << 30, sys_path=(...,))) as pool:
        reply = pool.call({"shard": 3})        # raises OutOfMemory, Crashed, CallableError; the child is started anew

``function(request: Json) -> Json`` runs in the child; with ``setup``, ``target(setup)`` is called once per process and
gives that function. Nothing but JSON crosses the pipe. A child ends with its parent, and with ``owner`` where given.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psutil

from ... import failures
from ...failures import Crashed, DarnerError, Failure, OutOfMemory
from ...ports import Json
from .child import OUT_OF_MEMORY
from .memory import Enforcement, MemoryGuard, guard

_LOOK_SECONDS = 0.02
_OWNER_LOOKS = 10
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
    """A process that can't be mistaken for a later one of the same number. ``started`` is in seconds since 1970."""

    pid: int
    started: float

    @classmethod
    def mine(cls) -> ProcessId:
        """Return this process."""
        return cls(os.getpid(), psutil.Process().create_time())

    def alive(self) -> bool:
        """Return whether the process still runs on this machine."""
        try:
            found = psutil.Process(self.pid)
            return found.create_time() == self.started and found.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@dataclass(frozen=True, slots=True)
class ChildTask:
    """What a child runs, and what it gets. ``memory`` is in bytes; None promises nothing."""

    target: str
    setup: Json = None
    memory: int | None = None
    sys_path: tuple[str, ...] = ()
    threads: int = 1
    """For the numeric libraries: workers share the cores."""
    environment: Mapping[str, str] = field(default_factory=dict)
    owner: ProcessId | None = None
    """A process further up, whose end must end the child too: its own parent may outlive it for seconds."""
    enforcement: Enforcement | None = None


class Child:
    """One child process, started when first called, and anew after it died. One call at a time."""

    def __init__(self, task: ChildTask) -> None:
        self._task = task
        self._life: _Life | None = None

    def call(self, request: Json) -> Json:
        """Return the child's reply; raises what the child raised, or `OutOfMemory` or `Crashed` if it died."""
        life = self._life or self._start()
        return self._answer(life, request)["value"]

    def _start(self) -> _Life:
        life = self._life = _Life(self._task)
        order = {"target": self._task.target, "setup": self._task.setup, "sys_path": list(self._task.sys_path)}
        try:
            self._answer(life, order)
        except DarnerError:
            self.close()
            raise
        return life

    def _answer(self, life: _Life, request: Json) -> Json:
        line = life.exchange(json.dumps(request).encode() + b"\n")
        # The kernel may have killed only something that the child had started: what the child says then can't be relied on.
        if not line or life.lost_memory():
            self.close()
            raise life.death(self._task.memory)
        reply = json.loads(line)
        if "failure" in reply:
            raise _rebuilt(reply["failure"])
        return reply

    def leave(self) -> None:
        """Ask the process to leave (SIGTERM), where there is one; what it is at ends as it says, or with its death."""
        if self._life is not None:
            self._life.leave()

    def close(self) -> None:
        """End the process, whatever it does."""
        life, self._life = self._life, None
        if life is not None:
            life.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Life:
    """One process from start to end. Its keeper thread starts it, since the kernel's signal watches that *thread*."""

    def __init__(self, task: ChildTask) -> None:
        self._task = task
        self._end = threading.Event()
        self._oom = False
        started: queue.SimpleQueue[tuple[subprocess.Popen[bytes], MemoryGuard] | OSError] = queue.SimpleQueue()
        self._keeper = threading.Thread(target=self._keep, args=(started.put,), daemon=True, name="darner-child")
        self._keeper.start()
        found = started.get()
        if isinstance(found, OSError):
            raise Crashed(f"a child process can't be started: {found}", help="look at the machine's limits on processes and memory")
        self._process, self._watch = found

    def _keep(self, started: Callable[[tuple[subprocess.Popen[bytes], MemoryGuard] | OSError], None]) -> None:
        try:
            process = self._spawn()
        except OSError as error:
            started(error)
            return
        watch = guard(process.pid, self._task.memory, self._task.enforcement)
        started((process, watch))
        try:
            for look in _count_until(self._end, process):
                if watch.exceeded() or (look % _OWNER_LOOKS == 0 and self._task.owner and not self._task.owner.alive()):
                    break
        finally:
            self._finish(process, watch)  # whatever went wrong with looking: nobody waits for a process that isn't watched

    def _finish(self, process: subprocess.Popen[bytes], watch: MemoryGuard) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._oom = watch.killed() or process.returncode == OUT_OF_MEMORY
        watch.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        threads = dict.fromkeys(_THREAD_VARIABLES, str(self._task.threads))
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", __name__.rpartition(".")[0] + ".child", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "TOKENIZERS_PARALLELISM": "false", **threads, **self._task.environment},
            start_new_session=True,
        )

    def exchange(self, line: bytes) -> bytes:
        """Write one line and return the reply's line; empty where the process is gone."""
        assert self._process.stdin is not None  # noqa: S101 - both are pipes, see _spawn
        assert self._process.stdout is not None  # noqa: S101 - likewise
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            reply = self._process.stdout.readline()
        except (OSError, ValueError):
            return b""
        return reply if reply.endswith(b"\n") else b""

    def lost_memory(self) -> bool:
        """Return whether a process of this tree was killed for its memory."""
        return self._oom or self._watch.killed()

    def leave(self) -> None:
        """Send the process, and nothing that it started, the signal that asks it to leave."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Kill the process with all that it started, and wait until it is gone."""
        self._end.set()
        self._keeper.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def death(self, memory: int | None) -> Failure:
        """Return why the process died: for memory only where there is evidence."""
        if self._oom:
            promised = f" of {memory >> 20} MiB" if memory else ""
            return OutOfMemory(f"the process went over its memory{promised}", help="raise memory, or declare on_oom")
        code = self._process.returncode
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return Crashed(f"the process died: {how}")


def _count_until(stop: threading.Event, process: subprocess.Popen[bytes]) -> Iterator[int]:
    """Yield 0, 1, 2… every few milliseconds until the process is gone or somebody asks to stop."""
    look = 0
    while process.poll() is None and not stop.is_set():
        yield look
        look += 1
        stop.wait(_LOOK_SECONDS)


def _rebuilt(words: Json) -> DarnerError:
    kind = getattr(failures, words["kind"], failures.CallableError)
    if issubclass(kind, Failure):
        failure = kind(words["message"], type_name=words["type"], help=words["help"], retry_after=words.get("retry_after"))
        failure.raised = words.get("raised")
        return failure
    rebuilt: DarnerError = kind(words["message"], help=words["help"])
    return rebuilt


class ChildPool:
    """Children of one task, as many as there are calls at once, up to ``size``; they are used again."""

    def __init__(self, task: ChildTask, size: int = 1) -> None:
        self._idle: queue.LifoQueue[Child] = queue.LifoQueue()
        self._children = [Child(task) for _ in range(size)]
        for child in self._children:
            self._idle.put(child)

    def call(self, request: Json) -> Json:
        """Return one child's reply, waiting for an idle one; raises as `Child.call` does."""
        child = self._idle.get()
        try:
            return child.call(request)
        finally:
            self._idle.put(child)

    def close(self) -> None:
        """End all children."""
        for child in self._children:
            child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
