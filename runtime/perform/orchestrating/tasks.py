"""asyncio tasks of an orchestrator, numbered by their creators: ``2.1`` is the first that its second task created.

A number says which branch of the code a task is, whatever order branches go on in; that is how equal calls, and what
`darner.uuid()` and its like give, find their way back to the branch that had them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

Factory = Callable[..., "asyncio.Task[Any]"]


class TaskTree:
    """The tasks of one execution. ``root`` is the one that runs the orchestrator itself; its path is empty."""

    def __init__(self) -> None:
        self._paths: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()
        self._children: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()

    def plant(self, root: asyncio.Task[Any]) -> None:
        """Begin with a task."""
        self._paths[root] = ""

    def grow(self, creator: asyncio.Task[Any] | None, task: asyncio.Task[Any]) -> None:
        """Number a new task; one whose creator isn't known here is none of ours."""
        if creator is None or creator not in self._paths:
            return
        number = self._children[creator] = self._children.get(creator, 0) + 1
        above = self._paths[creator]
        self._paths[task] = f"{above}.{number}" if above else str(number)

    def path(self) -> str | None:
        """Return the path of the task that is running, or None outside of all of them."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            return None
        return None if task is None else self._paths.get(task)

    def pending(self) -> set[asyncio.Task[Any]]:
        """Return the tasks that are not over."""
        return {task for task in list(self._paths) if not task.done()}


GROWING: ContextVar[TaskTree | None] = ContextVar("darner_tasks", default=None)
"""The tree that tasks created here belong to: set in an orchestrator's own code, not in what performs its calls."""


class CountingFactory:
    """An event loop's task factory that numbers the tasks of orchestrators, and leaves all others to the one before it."""

    def __init__(self, before: Factory | None) -> None:
        self._before = before

    def __call__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        """Return a new task."""
        make = self._before
        task = asyncio.Task(coroutine, loop=loop, **options) if make is None else make(loop, coroutine, **options)
        tree = GROWING.get()
        if tree is not None:
            tree.grow(_current(loop), task)
        return task


def _current(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task(loop)
    except RuntimeError:
        return None


def count_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop number the tasks of orchestrators."""
    before: Any = loop.get_task_factory()
    if not isinstance(before, CountingFactory):
        factory: Any = CountingFactory(before)
        loop.set_task_factory(factory)
