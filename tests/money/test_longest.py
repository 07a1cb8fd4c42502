"""How long an answer may be: what is kept for a request, and what the request says, are one number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from darner.compiler.plan import ModelPlan, Plan
from darner.runtime.failures import Refused
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.agents.models import LONGEST, Models
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.testing import ModelServer

from .selling import plan, sold, together

ANSWER = "replies: [{text: fine, usage: {input: 3, output: 100}, delay: 0.05}]"


def own_model(base_url: str, max_tokens: int | None = None, ours: int | None = None) -> OpenAIChatModel:
    """Build a model as a spec's own code may; ``max_tokens`` goes into its settings, ``ours`` nowhere."""
    del ours
    settings = ModelSettings() if max_tokens is None else ModelSettings(max_tokens=max_tokens)
    return OpenAIChatModel("own", provider=OpenAIProvider(base_url=base_url, api_key="none"), settings=settings)


def _said(body: dict[str, Any]) -> list[int]:
    return [body[name] for name in LONGEST if name in body]


def _own(made: Plan, server: ModelServer, **params: int) -> Plan:
    small = {"use": f"{__name__}:own_model", "params": {"base_url": server.base_url, **params}, "price": made.models["small"].price}
    return made.model_copy(update={"models": {"small": ModelPlan.model_validate(small)}})


@pytest.mark.parametrize(
    "params",
    [
        {"max_tokens": 100},
        {"extra_body": {"max_completion_tokens": 100}},
        {"extra_body": {"max_output_tokens": 100}, "max_tokens": None},
        {"extra_body": {"max_completion_tokens": 100}, "max_tokens": 9999},
    ],
)
def test_wherever_it_is_declared_as_much_is_kept_as_the_request_says(params: dict[str, Any]) -> None:
    """Ten answers of a hundred tokens fit into the budget, and ten requests at once are sent, each of which says a hundred."""
    with ModelServer(ANSWER) as server:
        seen = together(plan(server, params=params, budget={"tokens": 1040}), 20)
        assert (server.requests, len(seen.refused)) == (10, 10)
        assert [_said(body)[-1:] for body in server.bodies] == [[100]] * 10


@pytest.mark.parametrize(("params", "longest"), [({"max_tokens": 100}, 100), ({"ours": 100}, None), ({}, None)])
def test_a_callable_s_model_says_it_by_its_own_settings(params: dict[str, int], longest: int | None) -> None:
    """What the callable is given is its own matter; what the model that it builds sends is what counts."""
    with ModelServer(ANSWER) as server:
        made = _own(plan(server, budget={"tokens": 100_000}), server, **params)
        models = Agents(made, prompts={}, secrets=EnvironmentSecrets({})).models
        assert models.longest("small") == longest
        together(made, 1)
        assert _said(server.bodies[0]) == ([] if longest is None else [longest])


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "many", True])
def test_what_is_no_number_of_tokens_is_refused_before_anything_is_asked(tmp_path: Path, wrong: Any) -> None:
    """A provider would refuse it later, or a budget would be kept by nothing."""
    with ModelServer(ANSWER) as server:
        made = plan(server, params={"max_tokens": wrong}, budget={"tokens": 1040})
        with pytest.raises(Refused, match=r"the model small has params\.max_tokens"):
            Agents(made, prompts={}, secrets=EnvironmentSecrets({})).refuse_unready()
        assert server.requests == 0
        assert sold(plan(server, params={"max_tokens": 100}, budget={"tokens": 1040}), tmp_path).tokens == 103


def test_a_parameter_of_the_run_may_say_it() -> None:
    """Bound when the run begins, for what is kept and for what is sent."""
    entry = ModelPlan.model_validate({"use": "openai:x", "base_url": "http://there/v1", "params": {"max_tokens": "$params.longest"}})
    assert Models({"small": entry}, secrets=EnvironmentSecrets({}), params={"longest": 70}).longest("small") == 70
