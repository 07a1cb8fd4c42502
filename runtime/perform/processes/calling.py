"""The inside of a child process that calls callables. It imports little, since every child has to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from ...ports import Json
from ..callables import call_here
from .leaving import Notice


def prepare(setup: Json) -> Callable[[Json], Json]:
    """Return what calls callables in this process, which is the child: ``{"ref", "arguments", "named"}`` in, the result out.

    One event loop serves all calls, as in the process that runs the flow.
    """
    loop, notice = asyncio.new_event_loop(), Notice.of(setup)
    return lambda request: notice.preempting(partial(call_here, loop, request["ref"], request["arguments"], named=request["named"]))
