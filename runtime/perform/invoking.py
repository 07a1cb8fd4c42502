"""A Python function of the user's, called: whatever it does, what comes back is its result or an ordinary exception.

It may print, exit, raise what isn't meant to be caught, fork, or give back something that can't be kept.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..exceptions import said
from ..failures import CallableError
from ..ports import Json
from . import values
from .raising import told
from .results import gives_later
from .threads import Threads

FORKED = 0
"""How a process ends that a function's fork left behind: its parent goes on, and is the one that counts."""


def invoke(threads: Threads, name: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Awaitable[Any]:
    """Return a function's result, to be awaited: one that isn't async runs in a thread, and a coroutine that it returns is awaited.

    Raises:
        CallableError: it left with something that ends processes or tasks (SystemExit, KeyboardInterrupt, a cancellation of
            its own).
        Exception: what it raised.
    """
    mine = os.getpid()
    if _is_async(function):
        return _awaited(name, function(**arguments), mine)
    return _in_thread(threads, name, function, arguments, mine)


async def _in_thread(threads: Threads, name: str, function: Callable[..., Any], arguments: Mapping[str, Any], mine: int) -> Any:
    result = await threads.run(_called, name=name, function=function, arguments=arguments, mine=mine)
    return await _awaited(name, result, mine) if inspect.isawaitable(result) else result


def invoke_here(loop: asyncio.AbstractEventLoop, name: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Return what a function gives, called in this thread, whose ``loop`` doesn't run; raises as `invoke` does."""
    mine = os.getpid()
    if _is_async(function):
        return loop.run_until_complete(_awaited(name, function(**arguments), mine))
    result = _called(name, function, arguments, mine)
    return loop.run_until_complete(_awaited(name, result, mine)) if inspect.isawaitable(result) else result


def storable(name: str, result: Any) -> Json:
    """Return a result as JSON; `CallableError` where it can't be kept."""
    if gives_later(result.__class__):
        msg = f"{name} returned a {type(result).__name__}, which can't be kept: nobody knows what it will give"
        raise CallableError(msg, type_name="TypeError", help="return a list of what it yields")
    try:
        return values.dump(result)
    except CallableError as error:
        msg = f"what {name} returned can't be kept: {error.message}"
        raise CallableError(msg, type_name="TypeError", help=error.help) from error


@values.once
def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function)


def _called(name: str, function: Callable[..., Any], arguments: Mapping[str, Any], mine: int) -> Any:
    try:
        return function(**arguments)
    except Exception:
        raise
    except BaseException as error:
        raise _left(name, error) from error
    finally:
        _end_forked(mine)


async def _awaited(name: str, work: Awaitable[Any], mine: int) -> Any:
    try:
        return await work
    except Exception:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise _left(name, error) from error
    except BaseException as error:
        raise _left(name, error) from error
    finally:
        _end_forked(mine)


def _left(name: str, error: BaseException) -> CallableError:
    text = said(error)
    failure = CallableError(
        f"{name} left with {type(error).__name__}{text and ': '}{text}",
        type_name=type(error).__name__,
        help="a function of a spec returns, or raises an Exception; it doesn't end the process that calls it",
    )
    failure.raised = told(error)
    return failure


def _end_forked(mine: int) -> None:
    """End the copy of this process that a function made and didn't end: it would go on with the run beside us."""
    if os.getpid() != mine:
        os._exit(FORKED)
