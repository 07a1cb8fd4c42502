"""A model's ``rate`` is kept to."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.unrecorded import UnrecordedBoundary
from darner.runtime.perform.world import SystemClock
from darner.testing import ModelServer

from .world import agent, model, plan


def _run(rate: dict[str, Any], calls: int, reply: str = "{answer: {text: fine}, usage: {input: 90, output: 10}}") -> float:
    async def go(made: Any) -> None:
        async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
            agents.refuse_unready()
            await asyncio.gather(
                *(agents.call(UnrecordedBoundary(SystemClock()), "assistant", {"city": "Paris"}, parent=str(n)) for n in range(calls))
            )

    with ModelServer(f"replies: [{reply}]") as server:
        made = plan({"small": model(server, rate=rate)}, {"assistant": agent()})
        begun = time.monotonic()
        asyncio.run(go(made))
        return time.monotonic() - begun


@pytest.mark.parametrize(
    ("rate", "calls", "least"),
    [
        ({"concurrency": 2}, 6, 0.6),
        ({"requests": "5/s"}, 8, 0.6),
        ({"tokens": "200/s"}, 6, 0.5),
    ],
)
def test_requests_wait_for_what_the_provider_allows(rate: dict[str, Any], calls: int, least: float) -> None:
    """So many at once, so many a second, so many tokens a second: the rest waits, and all are answered."""
    delay = ", delay: 0.2" if "concurrency" in rate else ""
    serial = {"concurrency": 1} if "tokens" in rate else {}
    assert _run({**rate, **serial}, calls, f"{{answer: {{text: fine}}, usage: {{input: 90, output: 10}}{delay}}}") >= least
