"""How models are reached, and what their providers' errors mean."""

from __future__ import annotations

import asyncio
import contextlib
import re
from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai.usage import RequestUsage

from darner.compiler.plan import ModelPlan
from darner.compiler.providers import PROVIDERS
from darner.runtime.failures import CallableError, ContextLost, Exhausted, Failure, Network, Refused, Semantic, Throttled
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.agents.models import Models
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.testing import MemoryBoundary, ModelServer

from .world import agent, model, plan, run

ONCE = {name: {"attempts": 1} for name in ("throttled", "network")}
FINE = "\n  - answer: {text: fine}\n"


def _failing(fail: str) -> str:
    return f"replies:\n  - fail: {fail}\n"


@pytest.mark.parametrize(
    ("fail", "kind", "words"),
    [
        ("{status: 429, message: slow down}", Throttled, "HTTP 429: slow down"),
        ("{status: 503}", Throttled, "HTTP 503"),
        ("{status: 529}", Throttled, "HTTP 529"),
        ("{status: 500}", Network, "HTTP 500"),
        ("{status: 502}", Network, "HTTP 502"),
        ("{status: 408}", Network, "HTTP 408"),
        ("{broken: reset}", Network, "Connection"),
        ("{broken: garbage}", Network, "the model small: "),
        ("{status: 400, message: no such parameter}", CallableError, "HTTP 400: no such parameter"),
        ("{status: 404}", CallableError, "HTTP 404"),
        ("{status: 429, code: insufficient_quota}", Exhausted, "HTTP 429"),
        ("{status: 400, code: context_length_exceeded}", ContextLost, "HTTP 400"),
    ],
)
def test_each_error_of_a_provider_has_its_class(fail: str, kind: type[Failure], words: str) -> None:
    """The class decides what happens next, so it must not be guessed from texts."""
    with pytest.raises(kind, match=words):
        run(_failing(fail), on_failure=ONCE)


@pytest.mark.parametrize(
    ("fail", "least"), [("{status: 429, retry_after: 7}", 7.0), ("{status: 503, retry_after: 90, as_date: true}", 85.0)]
)
def test_a_provider_is_waited_for_as_long_as_it_says(fail: str, least: float) -> None:
    """Retry-After counts in seconds and as an HTTP date, and waiting is no failed attempt."""
    ran = run(f"replies:\n  - fail: {fail}\n    times: 6{FINE}")
    waited: list[float] = ran.boundary.clock.waited  # type: ignore[attr-defined]  # the clock of the double tells
    assert len(waited) == 6
    assert all(least <= one <= least + 6 for one in waited)
    assert ran.requests == 7


def test_a_network_failure_is_tried_five_times_by_the_policy_and_never_by_the_client() -> None:
    """The provider's client is told not to retry: otherwise requests would multiply, uncounted."""
    with ModelServer("replies: [{fail: {status: 500}}]") as server:
        made = plan({"small": model(server)}, {"assistant": agent()})
        with pytest.raises(Network):
            asyncio.run(_call(made))
        assert server.requests == 5


async def _call(made: Any, secrets: dict[str, str] | None = None, boundary: MemoryBoundary | None = None) -> Any:
    async with Agents(made, prompts={}, secrets=EnvironmentSecrets(secrets or {})) as agents:
        agents.refuse_unready()
        return await agents.call(boundary or MemoryBoundary(), "assistant", {"city": "Paris"}, parent="reply")


def test_a_server_that_isn_t_there_is_class_network() -> None:
    """Nothing listens on that port."""
    made = plan({"small": ModelPlan(use="openai:x", base_url="http://127.0.0.1:1/v1")}, {"assistant": agent(on_failure=ONCE)})
    with pytest.raises(Network, match="Connection"):
        asyncio.run(_call(made))


def test_a_missing_secret_is_refused_before_the_first_call() -> None:
    """The message names the secret and how to set it."""
    with ModelServer(f"replies:{FINE}") as server:
        made = plan({"small": model(server, secret="SHOP_KEY")}, {"assistant": agent()}, secrets=("SHOP_KEY",))  # noqa: S106 - a name
        with pytest.raises(Refused, match="the secret SHOP_KEY is not set") as caught:
            asyncio.run(_call(made))
        assert caught.value.help == "set it where darner runs: export SHOP_KEY=…"
        assert server.requests == 0
        assert asyncio.run(_call(made, {"SHOP_KEY": "k"})) == {"text": "fine"}


def test_a_secret_is_sent_and_told_nobody() -> None:
    """The provider repeats a wrong key in its message; ours masks it, and keeps no exception that holds the request."""
    ran = run(f"replies:{FINE}", model_changes={"secret": "KEY"}, secrets={"KEY": "sk-right"}, key="sk-right")
    assert "sk-right" not in repr(ran.boundary.recorded.results) + repr(ran.boundary.asked)
    with pytest.raises(CallableError, match=re.escape("Incorrect API key provided: [secret].")) as caught:
        run(f"replies:{FINE}", model_changes={"secret": "KEY"}, secrets={"KEY": "sk-wrong"}, key="sk-right")
    assert caught.value.__cause__ is None
    assert caught.value.help == "is its secret right, and may it use this model?"


def test_a_model_may_be_a_callable() -> None:
    """`use: module:attr` builds a model from `params`."""
    made = plan({"small": ModelPlan(use=f"{__name__}:parrot", params={"words": "hello"})}, {"assistant": agent()})
    assert asyncio.run(_call(made)) == {"text": "hello"}


def parrot(words: str) -> Any:
    """Build a model that always answers the same."""
    from pydantic_ai.models.test import TestModel  # noqa: PLC0415 - only this model needs it

    return TestModel(custom_output_args={"text": words})


def words_only(words: str) -> str:
    """Build nothing that is a model."""
    return words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"use": "openai:x"}, "neither a secret nor a base_url"),
        ({"use": "no.such.module:build"}, "can't be imported"),
        ({"use": "nonsense:x"}, "can't be imported"),
        ({"use": "darner.testing:scripted_model"}, "can't be built"),
        ({"use": f"{__name__}:words_only", "params": {"words": "hi"}}, "not a pydantic-ai model"),
        ({"use": "anthropic:claude-x"}, "needs a package that isn't installed"),
        ({"use": "openai:x", "base_url": "http://127.0.0.1:1", "params": {"output": "loud"}}, "tool, native, prompted|'loud'"),
    ],
)
def test_a_model_that_can_t_be_built_is_refused(settings: dict[str, Any], words: str) -> None:
    """Before anything is started, with the reason."""
    made = plan({"small": ModelPlan.model_validate(settings)}, {"assistant": agent()})
    with pytest.raises(Refused, match=words):
        asyncio.run(_call(made))


@pytest.mark.parametrize("use", ["openai:x", "openai-chat:x", "ollama:x", "vllm:x"])
def test_no_client_tries_again_by_itself(use: str) -> None:
    """One request an attempt, whatever is spoken to: what a client tries again is paid, and stands nowhere."""
    with ModelServer(_failing("{status: 500}")) as server:
        made = plan({"small": model(server, use=use)}, {"assistant": agent(on_failure=ONCE)})
        with pytest.raises(Network, match="HTTP 500"):
            asyncio.run(_call(made))
        assert server.requests == 1


def lacking() -> Any:
    """Build a model whose code looks for what isn't there."""
    from pydantic_ai.models.function import FunctionModel  # noqa: PLC0415 - only this model needs it

    return FunctionModel(lambda messages, _: messages[99])  # type: ignore[arg-type,return-value]  # it never returns


def test_a_bug_in_a_model_s_own_code_is_an_error_and_tried_once() -> None:
    """An answer without what it must have can't be read (class network); a model of the spec's own that looks beyond a list is wrong."""
    boundary = MemoryBoundary()
    made = plan({"small": ModelPlan(use=f"{__name__}:lacking")}, {"assistant": agent()})
    with pytest.raises(CallableError, match="the model small: IndexError"):
        asyncio.run(_call(made, boundary=boundary))
    assert [one.kind for one in boundary.performed] == ["agent", "model"]


def locked(key: str = "") -> Any:
    """Build no model, and say why as providers' packages do: with an exception of their own."""
    msg = f"no door opens to {key or 'nobody'}"
    raise LookupError(msg)


def test_what_a_model_s_callable_raises_is_refused_without_the_secret_that_it_was_given() -> None:
    """Whatever it raises: a key that isn't set is no crash of darner's."""
    made = plan({"small": ModelPlan(use=f"{__name__}:locked", params={"key": "$secrets.KEY"})}, {"assistant": agent()}, secrets=("KEY",))
    with pytest.raises(Refused, match=re.escape("LookupError: no door opens to [secret]")):
        asyncio.run(_call(made, {"KEY": "sk-hidden"}))


@pytest.mark.parametrize(
    ("use", "hint"),
    [
        ("anthropic:claude-x", "pip install 'pydantic-ai-slim[anthropic]'"),
        ("google:gemini-x", "pip install 'pydantic-ai-slim[google]'"),
        ("mistral:large-x", "pip install 'pydantic-ai-slim[mistral]'"),
        ("bedrock:x", "pip install 'pydantic-ai-slim[bedrock]'"),
    ],
)
def test_a_provider_whose_package_is_missing_is_refused_with_what_to_install(use: str, hint: str) -> None:
    """Skipped for those that are installed."""
    models = Models({"a": ModelPlan(use=use, secret="KEY")}, secrets=EnvironmentSecrets({"KEY": "k"}))  # noqa: S106 - a name
    try:
        models.model("a")
    except Refused as refused:
        assert refused.help == hint  # noqa: PT017 - the point is that it may also work
    else:
        pytest.skip(f"{use} can be built here")


@pytest.mark.parametrize("provider", ["deepseek", "together", "fireworks", "litellm", "openai-responses", "cerebras"])
def test_any_provider_of_pydantic_ai_can_be_named(provider: str) -> None:
    """Its key is the secret's, and its address may be another one."""
    plan = ModelPlan(use=f"{provider}:some-model", secret="KEY")  # noqa: S106 - a name
    built = Models({"a": plan}, secrets=EnvironmentSecrets({"KEY": "k"})).model("a")
    assert built.model_name == "some-model"


def test_a_price_is_for_a_million_tokens() -> None:
    """Input and output are priced apart; without a price a request costs nothing."""
    priced = ModelPlan.model_validate(
        {"use": "openai:x", "base_url": "http://127.0.0.1:1", "price": {"input": "2.00 USD", "output": "8.00 USD"}}
    )
    models = Models({"a": priced, "b": ModelPlan(use="openai:x")}, secrets=EnvironmentSecrets({}))
    told = RequestUsage(input_tokens=1_000, output_tokens=500)
    assert str(models.used("a", told).cost) == "0.006"
    assert models.used("b", told).cost == 0


@pytest.mark.parametrize(
    ("named", "cost"),
    [({}, "0.00600"), ({"cache_read": "0.20 USD"}, "0.00528"), ({"cache_read": "0.20 USD", "cache_write": "2.50 USD"}, "0.00533")],
)
def test_what_a_providers_cache_serves_or_keeps_has_a_price_of_its_own(named: dict[str, str], cost: str) -> None:
    """Of 1,000 tokens of input 400 were served and 100 kept by the provider: they cost what input costs, unless the spec says otherwise."""
    price = {"input": "2.00 USD", "output": "8.00 USD", **named}
    priced = ModelPlan.model_validate({"use": "openai:x", "base_url": "http://127.0.0.1:1", "price": price})
    models = Models({"a": priced}, secrets=EnvironmentSecrets({}))
    told = RequestUsage(input_tokens=1_000, output_tokens=500, cache_read_tokens=400, cache_write_tokens=100)
    assert models.used("a", told).cost == Decimal(cost)


def test_a_fallback_is_asked_when_a_model_fails_or_refuses() -> None:
    """The next model of the chain answers; both requests are counted."""
    script = "replies:\n  - {when: {model: first}, %s}\n  - {when: {model: second}, answer: {text: second}}\n"
    for first in ("fail: {status: 500}", "refuse: I may not"):
        with ModelServer(script % first) as server:
            models = {"small": model(server, use="openai:first", fallback="large"), "large": model(server, use="openai:second")}
            made = plan(models, {"assistant": agent(on_failure=ONCE)})
            assert asyncio.run(_call(made)) == {"text": "second"}
            assert [body["model"] for body in server.bodies] == ["first", "second"]


def test_a_refusal_is_semantic() -> None:
    """The provider's reason is kept."""
    with pytest.raises(Semantic, match="I may not"):
        run("replies: [{refuse: I may not}]")


def test_every_provider_that_a_spec_may_name_is_known_to_pydantic_ai() -> None:
    """The compiler's table is data; it must not promise what isn't there."""
    from pydantic_ai.providers import infer_provider_class  # noqa: PLC0415 - only this test asks

    for name in sorted(PROVIDERS):
        with contextlib.suppress(ImportError):
            infer_provider_class(name)
