"""The settings that both a spec and a plan speak of: limits, budgets, caches, resources, reactions to failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from .frozen import Frozen
from .quantities import Duration, Money, Rate, Size, format_duration, parse_duration

FailureClass = Literal["throttled", "network", "semantic", "oom", "preempted", "crashed", "context", "error", "exhausted"]
Effects = Literal["pure", "read", "write"]
CacheScope = Literal["off", "run", "user", "shared"]
Then = Literal["fail", "skip", "dead_letter"]


class Backoff(Frozen):
    """Waits between attempts: full jitter between ``first`` and a doubling bound that stops at ``last`` (seconds)."""

    first: float
    last: float


def parse_backoff(value: Any) -> Backoff:
    """Return a backoff from text like ``1s..60s``."""
    if isinstance(value, Backoff):
        return value
    first, dots, last = value.partition("..") if isinstance(value, str) else ("", "", "")
    try:
        waits = Backoff(first=parse_duration(first), last=parse_duration(last))
    except PydanticCustomError:
        waits = None
    if not dots or waits is None or waits.first > waits.last:
        shown = value if isinstance(value, str) else repr(value)
        raise PydanticCustomError("quantity", "{shown} is not a backoff; write it like 1s..60s, the shorter wait first", {"shown": shown})
    return waits


BackoffText = Annotated[
    Backoff,
    BeforeValidator(parse_backoff),
    PlainSerializer(lambda value: f"{format_duration(value.first)}..{format_duration(value.last)}"),
    WithJsonSchema({"type": "string", "pattern": r"^.+\.\..+$", "examples": ["1s..60s"]}),
]


class Reaction(Frozen):
    """What happens when one class of failure is seen; a key that is None keeps the language's default."""

    attempts: Annotated[int, Field(ge=1)] | None = None
    backoff: BackoffText | None = None
    feedback: bool | None = None
    rewind: bool | None = None
    ask: str | None = None
    then: Then | None = None


OnFailure = dict[FailureClass, Reaction]

REACTIONS: Mapping[FailureClass, Reaction] = {
    "throttled": Reaction.model_construct(then="fail"),
    "network": Reaction.model_construct(attempts=5, backoff=Backoff.model_construct(first=1, last=60), then="fail"),
    "semantic": Reaction.model_construct(attempts=3, feedback=True, then="fail"),
    "oom": Reaction.model_construct(then="fail"),
    "preempted": Reaction.model_construct(then="fail"),
    "crashed": Reaction.model_construct(attempts=3, backoff=Backoff.model_construct(first=1, last=60), then="fail"),
    "context": Reaction.model_construct(rewind=True, attempts=1, then="fail"),
    "error": Reaction.model_construct(attempts=1, then="fail"),
    "exhausted": Reaction.model_construct(then="fail"),
}


def merge_reactions(*layers: Mapping[FailureClass, Reaction]) -> OnFailure:
    """Lay reactions over each other, later ones over earlier ones, by class and then by key."""
    merged: OnFailure = {}
    for layer in layers if any(layers) else ():
        for name, reaction in layer.items():
            before = merged.get(name, Reaction())
            merged[name] = before.model_copy(update=reaction.model_dump(exclude_none=True) | _backoff(reaction))
    return merged


def _backoff(reaction: Reaction) -> dict[str, Any]:
    return {"backoff": reaction.backoff} if reaction.backoff is not None else {}


class Limits(Frozen):
    """Bounds on what one agent, or one step with ``calls``, may use."""

    turns: Annotated[int, Field(ge=1)] | None = None
    calls: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    cost: Money | None = None
    time: Duration | None = None


class Budget(Frozen):
    """Bounds on what a flow, a job or a loop may use in all."""

    cost: Money | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    time: Duration | None = None


class ModelRate(Frozen):
    """What a provider allows."""

    requests: Rate | None = None
    tokens: Rate | None = None
    concurrency: Annotated[int, Field(ge=1)] | None = None


class PriceAbove(Frozen):
    """Money for a million tokens of requests that send more than ``tokens``."""

    tokens: Annotated[int, Field(ge=1)]
    input: Money
    output: Money
    cache_read: Money | None = None
    cache_write: Money | None = None


class Price(Frozen):
    """Money for a million tokens. Input that the provider's cache serves, or keeps, costs what input costs unless a price is named."""

    input: Money
    output: Money
    cache_read: Money | None = None
    cache_write: Money | None = None
    above: PriceAbove | None = None


class Cache(Frozen):
    """Where results are shared, for how long (seconds), and a version that users raise to start anew."""

    scope: CacheScope = "off"
    ttl: Duration | None = None
    version: str | int | None = None


def parse_cache(value: Any) -> Any:
    """Return the long form of ``cache: run``."""
    return {"scope": value} if isinstance(value, str) else value


CacheSetting = Annotated[Cache, BeforeValidator(parse_cache, json_schema_input_type=CacheScope | Cache)]


class Gpu(Frozen):
    """Devices that a process needs."""

    type: str
    count: Annotated[int, Field(ge=1)] = 1


class Rung(Frozen):
    """What one rung of ``on_oom`` lays over the base resources; ``batch`` counts only for a stage."""

    cpu: Annotated[float, Field(gt=0)] | None = None
    memory: Size | None = None
    gpu: Gpu | None = None
    disk: Size | None = None
    batch: Annotated[int, Field(ge=1)] | None = None


class Sandbox(Frozen):
    """The cage for generated code."""

    runtime: Literal["monty", "jail"] = "monty"
    timeout: Duration | None = None
    memory: Size | None = None
    output: Size | None = None
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    network: Literal["none"] | tuple[str, ...] = "none"
