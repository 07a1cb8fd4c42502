"""The inside of a child process that calls tools: a plan's tools, built once, called with JSON. See `tools.Tools`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ...compiler.lowering.plantext import from_text
from ..ports import Json
from .processes.leaving import Notice
from .secrets import EnvironmentSecrets
from .tools import Tools


def prepare(setup: Json) -> Callable[[Json], Json]:
    """Return what calls a tool: ``{"plan", "params", "base"}`` once, then ``{"tool", "arguments", "key"}`` for each call."""
    base = None if setup["base"] is None else Path(setup["base"])
    tools = Tools(from_text(setup["plan"], "the plan"), secrets=EnvironmentSecrets(), params=setup["params"], base=base)
    loop, notice = asyncio.new_event_loop(), Notice.of(setup)
    return lambda request: notice.preempting(partial(tools.call_here, loop, request["tool"], request["arguments"], request["key"]))
