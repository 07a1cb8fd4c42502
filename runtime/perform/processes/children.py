"""Child processes with enforced memory: requests in and replies out as JSON.

::

    with Child(ChildTask(target="module.path:function", memory=1 << 30, sys_path=(...,))) as child:
        reply = child.call({"shard": 3})       # raises OutOfMemory, Crashed, CallableError; the process is started anew

``function(request: Json) -> Json`` runs in the child; with ``setup``, ``target(setup)`` is called once per process and
gives that function. Nothing but JSON crosses the pipe. A child ends with its parent, and with ``owner`` where given;
what it has started ends with it.
"""

from __future__ import annotations

import json
import threading
import time
from types import TracebackType
from typing import Self

from ... import failures
from ...failures import Crashed, DarnerError, Failure, OutOfMemory, Preempted
from ...ports import Json
from .life import ChildTask, Life, ProcessId

__all__ = ["Child", "ChildTask", "ProcessId"]

_LOOK_SECONDS = 0.02


class Child:
    """One child process, started when first called, and anew after it died. One call at a time."""

    def __init__(self, task: ChildTask) -> None:
        self._task = task
        self._life: Life | None = None
        self._is_given_up = False
        self._starting = threading.Lock()

    def call(self, request: Json) -> Json:
        """Return the child's reply; raises what the child raised, or why it died: `OutOfMemory`, `Crashed`, `Exhausted`."""
        life = self._life or self.start()
        try:
            return self._answer(life, request)["value"]
        finally:
            if self._life is life and not life.settle():
                self.close()

    @property
    def is_running(self) -> bool:
        """Whether there is a process to call; one that is given up is not, though it may take its time to end."""
        return self._life is not None and not self._is_given_up

    def start(self) -> Life:
        """Start the process, and let it prepare; raises as `call` does."""
        with self._starting:
            if self._is_given_up:
                raise Crashed("the process was given up before it began")
            life = self._life = Life(self._task)
        order = {"target": self._task.target, "setup": self._task.setup, "sys_path": list(self._task.sys_path)}
        try:
            self._answer(life, order)
        except DarnerError:
            self.close()
            raise
        return life

    def _answer(self, life: Life, request: Json) -> Json:
        reply = life.exchange(json.dumps(request).encode())
        # The kernel may have killed only something that the child had started: what the child says then can't be relied on.
        if reply is None or life.lost_memory() or life.overflowed():
            self._life = None
            life.end("disk" if life.overflowed() else None)
            raise life.death()
        told = json.loads(reply)
        del reply
        if "failure" in told:
            failure = rebuilt(told["failure"])
            if isinstance(failure, OutOfMemory | Preempted):
                self.close()  # a device's memory: what is left of it is unknown; or it is leaving
            raise failure
        return told

    def leave(self) -> bool:
        """Ask the process to leave (SIGTERM); return whether there is one. What it is at ends as it says, or with its death."""
        life = self._life
        if life is not None:
            life.leave()
        return life is not None

    def close(self) -> None:
        """End the process and all that it started, whatever they do."""
        with self._starting:
            life, self._life = self._life, None
        if life is not None:
            life.end("end")

    def give_up(self, grace: float = 0.0) -> None:
        """End the process for good, though another thread may be about to start it.

        With ``grace``, it is asked to leave first, and has so many seconds: whoever waits for its answer closes it then.
        """
        self._is_given_up = True
        deadline = time.monotonic() + grace
        if grace and self.leave():
            while self._life is not None and time.monotonic() < deadline:
                time.sleep(_LOOK_SECONDS)
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def rebuilt(words: Json) -> DarnerError:
    """Return the failure that a child described; see `exceptions.describe_failure`."""
    kind = getattr(failures, words["kind"], failures.CallableError)
    if issubclass(kind, Failure):
        failure = kind(words["message"], type_name=words["type"], help=words["help"], retry_after=words.get("retry_after"))
        failure.raised = words.get("raised")
        return failure
    made: DarnerError = kind(words["message"], help=words["help"])
    return made
