"""How what is under way is stopped: asked to end, asked again, closed where it doesn't listen; writes that have begun are let end.

A write is cut off last, for then nobody knows whether it happened. It has `GRACE` from the moment in which somebody gave it
up, and only from its intent on: one that waits for a person, a limit or its next attempt has not begun. Where its outcome
could be recorded by nobody, since the journal is another's by now, it has none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeAlias

PATIENCE = 1.0
"""Seconds that cancelled code has to end, before it is cancelled again."""
CANCELS = 3
"""How often it is cancelled before it is closed."""
GRACE = 20.0
"""Seconds that a write has that has begun: after that nobody knows whether it happened."""
CUT_WITHIN = GRACE + (CANCELS + 2) * PATIENCE
"""Seconds after which a write is over in any case, however deaf."""
LISTENS_WITHIN = 10.0
"""Seconds that steps have, more than what they began: processes, servers and tasks end before what waits for them."""

Tasks: TypeAlias = "Callable[[], set[asyncio.Task[Any]]]"


def never() -> bool:
    """Return False."""
    return False


@dataclass
class Writes:
    """The writes of one run that are asked for, each in a task of its own, with who asks for it."""

    under_way: dict[asyncio.Task[Any], object] = field(default_factory=dict)
    begun: set[asyncio.Task[Any]] = field(default_factory=set)
    """Those that are not just about to begin, nor waiting for a person's word, a limit, or their next attempt."""
    given_up: set[asyncio.Task[Any]] = field(default_factory=set)
    """Those that nobody waits for any more."""

    def begin(self) -> None:
        """Hear that the write of this task begins now: its intent is on its way into the journal."""
        task = self._mine()
        if task is not None:
            self.begun.add(task)

    def rest(self) -> None:
        """Hear that nothing of this task's write is under way. That is its end where nobody waits for it any more."""
        task = self._mine()
        if task is not None:
            self.begun.discard(task)
        if task in self.given_up:
            raise asyncio.CancelledError

    def _mine(self) -> asyncio.Task[Any] | None:
        task = asyncio.current_task()
        return task if task is not None and task in self.under_way else None

    def of(self, maker: object) -> set[asyncio.Task[Any]]:
        """Return those of one maker."""
        return {task for task, one in self.under_way.items() if one is maker}

    async def to_its_end(self, work: Coroutine[Any, Any, Any], maker: object, is_lost: Callable[[], bool] = never) -> Any:
        """Return what a write gives. Cancelled meanwhile, it has its `GRACE`; ``is_lost``: unless its outcome can't be kept."""
        task = asyncio.get_running_loop().create_task(work)
        self.under_way[task] = maker
        task.add_done_callback(self._over)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await undisturbed(self._end(task, is_lost))
            raise

    def _over(self, task: asyncio.Task[Any]) -> None:
        del self.under_way[task]
        self.begun.discard(task)
        self.given_up.discard(task)
        _look_away(task)

    async def _end(self, task: asyncio.Task[Any], is_lost: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + GRACE
        self.given_up.add(task)
        while task in self.begun and not is_lost() and (left := until - loop.time()) > 0:
            await asyncio.wait({task}, timeout=min(left, PATIENCE))
        await end(lambda: set() if task.done() else {task})


async def end(pending: Tasks, writing: Tasks = set, *, cancels: int = CANCELS, patience: float = PATIENCE) -> None:
    """End what is pending: ask it to, ask again, and close what doesn't listen, once no write is under way in it any more."""
    for _ in range(cancels):
        if not (tasks := pending()):
            return
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=patience)
    while (tasks := pending()) and (writes := writing()):
        await asyncio.wait(tasks | writes, timeout=PATIENCE)
    for task in tasks:
        _close(task)
    if tasks:
        await asyncio.wait(tasks, timeout=PATIENCE)


async def undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Do some work to its end, however often this is cancelled meanwhile: whoever stops a run asks more than once."""
    task, is_cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            is_cancelled = True
    task.result()
    if is_cancelled:
        raise asyncio.CancelledError


def _close(task: asyncio.Task[Any]) -> None:
    """End code that goes on whenever it is cancelled: its coroutine is closed, and its task finds it so."""
    coroutine: Any = task.get_coro()
    # Code that doesn't even listen to that, or runs at this moment, stays, and its calls are refused.
    with contextlib.suppress(RuntimeError, ValueError):
        coroutine.close()
    task.cancel()
    task.add_done_callback(_look_away)


def _look_away(task: asyncio.Task[Any]) -> None:
    """Take a task's exception, so that nobody is told of it: whoever waited for it has it, or it is ours."""
    if not task.cancelled():
        task.exception()
