"""One execution of a step with `calls`: its code driven, its calls made or served, its end whatever it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ....compiler.plan import StepPlan
from ... import keys
from ...events import CallFinished, TimerSet
from ...exceptions import said
from ...failures import CallableError, DarnerError, Exhausted, failure_behind
from ...idle import Wait
from ...ports import CallRequest, Json
from ...stopping import end, undisturbed
from .. import world
from ..boundary import JournaledBoundary
from ..moments import CURRENT
from ..surrounding import Set
from .handles import Calling
from .tasks import GROWING, TaskTree, count_tasks

LOOK = 1.0
"""Seconds between looks at a step's time."""
Work: TypeAlias = "Callable[[Orchestration, Calling], Coroutine[Any, Any, Json]]"
"""What performs a call of an orchestration."""


@dataclass
class Orchestration:
    """What the code of one step is surrounded by while it runs. It is the `perform.moments.Moments` of that code."""

    path: str
    step: StepPlan
    boundary: JournaledBoundary
    tree: TaskTree = field(default_factory=TaskTree)
    _made: int = 0
    _is_over: bool = False
    _counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.boundary.has_tasks = True

    async def drive(self, code: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return what a step's code returns.

        Raises:
            DarnerError: what a call raised, where the code lets it pass.
            CallableError: anything else that the code raised; its exception is the ``__cause__``.
            Exhausted: the step's time is used up.
        """
        loop = asyncio.get_running_loop()
        count_tasks(loop)
        with Set(CURRENT, self), Set(GROWING, self.tree):
            root = loop.create_task(self._run(code), name=self.path)
        try:
            await self._in_time(root)
            return root.result()
        finally:
            await undisturbed(self._end(root))

    async def _run(self, code: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        root = asyncio.current_task()
        if root is not None:
            self.tree.plant(root)
        try:
            return await code()
        except DarnerError:
            raise
        except asyncio.CancelledError as error:
            if root is not None and root.cancelling():
                raise
            raise self._raised(error) from error
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            # SystemExit and KeyboardInterrupt would end the process from inside a task.
            raise failure_behind(error) or self._raised(error) from error

    def _raised(self, error: BaseException) -> CallableError:
        return CallableError(f"{self.step.callable} raised {type(error).__name__}: {said(error)}", type_name=type(error).__name__)

    async def _in_time(self, root: asyncio.Task[Any]) -> None:
        """Wait for the code, as long as it may take; what it waits for people and for times doesn't count."""
        limit = self.step.limits.time if self.step.limits is not None else None
        if limit is None:
            await asyncio.wait({root})
            return
        state, loop = self.boundary.recording.state, asyncio.get_running_loop()
        left = limit - state.ledger.of(self.path).seconds
        while not root.done():
            if left <= 0:
                msg = f"{self.path} has used up its limits.time: {limit:g}s"
                raise Exhausted(msg, help="raise limits.time in the spec, and go on with `darner resume RUN --plan new`")
            waits, before = state.ledger.of(self.path).waits, loop.time()
            await asyncio.wait({root}, timeout=min(left, LOOK))
            if not waits:
                left -= loop.time() - before

    async def _end(self, root: asyncio.Task[Any]) -> None:
        """End everything that the code began."""
        self._is_over = True
        writes = self.boundary.recording.waits.writes
        await end(lambda: self.tree.pending() | (set() if root.done() else {root}), lambda: writes.of(self.boundary))

    async def call(self, work: Work, calling: Calling) -> Json:
        """Return a call's result as JSON; ``work`` performs it."""
        self._refuse_late(calling.name)
        self._made += 1
        limit = self.step.limits.calls if self.step.limits is not None else None
        if limit is not None and self._made > limit:
            msg = f"{self.path} has used up its limits.calls: {limit}"
            raise Exhausted(msg, help="raise limits.calls in the spec, and go on with `darner resume RUN --plan new`")
        # What performs a call is none of the code's own. No `with`: each step of a session passes here, and pays for three.
        asking = self.boundary.asking
        moments, tree, task = CURRENT.set(None), GROWING.set(None), asking.set(self.tree.path() or "")
        try:
            return await work(self, calling)
        finally:
            asking.reset(task)
            GROWING.reset(tree)
            CURRENT.reset(moments)

    def _refuse_late(self, name: str) -> None:
        if self._is_over:
            msg = f"{self.path} was over when {name} was called"
            raise CallableError(msg, type_name="LateCall", help="await every call, and every task that makes calls, before returning")

    def now(self) -> float:
        """Return seconds since 1970, UTC."""
        return float(self._moment("now", self.boundary.recording.clock.now))

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        return float(self._moment("random", world.chance))

    def uuid(self) -> str:
        """Return a random UUID's text."""
        return str(self._moment("uuid", world.new_uuid))

    def _moment(self, name: str, make: Callable[[], Json]) -> Json:
        request, call = self._request(name)
        known = self._known(call)
        if known is not None:
            return known.value
        value = make()
        now = self.boundary.recording.clock.now()
        event = CallFinished(at=now, call=call, parent=self.path, what="callable", name=request.name, value=value)
        self.boundary.recording.commits.note(event)
        return value

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds after the call was first made."""
        request, call = self._request("sleep", seconds)
        if self._known(call) is not None:
            return
        recording = self.boundary.recording
        set_before = recording.state.waits.timers.get(call)
        now = recording.clock.now()
        due = set_before.due if set_before is not None else now + seconds
        if set_before is None:
            await recording.commits.commit(TimerSet(at=now, call=call, parent=self.path, due=due))
        with Set(CURRENT, None), Set(GROWING, None), recording.waits.working(call, self.path):
            await recording.waits.until(Wait(call, self.path, due), recording.clock)
        recording.commits.note(CallFinished(at=recording.clock.now(), call=call, parent=self.path, what="callable", name=request.name))

    def _request(self, name: str, *more: Json) -> tuple[CallRequest, str]:
        """Return the identity of a moment: which it is of its kind in its asyncio task."""
        self._refuse_late(f"darner.{name}")
        task = self.tree.path()
        if task is None:
            msg = f"darner.{name}() was called in a thread, or in a task that {self.step.callable} didn't create"
            raise CallableError(msg, type_name="RuntimeError", help="call it in the step's own tasks")
        number = self._counts[task, name] = self._counts.get((task, name), 0) + 1
        arguments = {"task": task, "number": number, "given": [*more]}
        request = CallRequest(parent=self.path, kind="callable", name=f"darner.{name}", arguments=arguments, effects="pure")
        return request, keys.identity(request, 0)

    def _known(self, call: str) -> Any:
        known = self.boundary.recording.state.calls.get(call)
        if known is None or known.payload is None:
            return None
        if self.boundary.replay is not None:
            self.boundary.replay.asked(call)
        return known.payload
