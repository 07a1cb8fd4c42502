"""What is known of one call, one step, one map: the parts of a run's state."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from ..compiler.settings import FailureClass
from .events import Cached, CallFailed
from .ports import Json


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer of a model cost: tokens, US dollars, seconds."""

    tokens: int
    cost: Decimal
    seconds: float


@dataclass(frozen=True, slots=True)
class Payload:
    """A value, or the digest of the object that holds it."""

    value: Json = None
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step, or one item of a mapped step, was settled."""

    kind: Literal["done", "skipped", "failed"]
    payload: Payload = Payload()
    reason: str = ""
    failure: FailureClass | None = None
    type: str = ""
    place: str = ""
    calls: tuple[str, ...] | None = None
    """The calls that failed with it; None: whatever failed on its behalf."""


@dataclass(slots=True)
class CallState:
    """What is known of one call."""

    call: str
    parent: str
    what: str
    name: str
    effects: str = "read"
    root: str = ""
    """The path of the step on whose behalf it is made, however deep."""
    task: str = ""
    """Which asyncio task of an orchestrator asked; see `events.CallStarted`."""
    given_up: CallFailed | None = None
    """The failure that used up its policy: raised again, until the step that failed with it is taken up again."""
    attempts: int = 0
    """Attempts that began since the run was last taken up."""
    begun: int = 0
    """Attempts that began in all."""
    failures: list[CallFailed] = field(default_factory=list)
    payload: Payload | None = None
    seconds: float = 0.0
    requests: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    unsettled: bool = False
    """A write began, and whether it happened is unknown."""
    since: float | None = None
    """When the attempt began that is under way."""
    former: Payload | None = None
    """The result that was refused for good, of a call that is made anew."""
    answer: Answer | None = None
    """Of a request to a model: what its answer cost, as long as nobody refused it."""
    refused: int = 0
    """How many of its answers were refused."""
    began: float | None = None
    """When its first attempt began, and below when the last thing was heard of it; seconds since 1970."""
    ended: float | None = None
    fingerprint: str = ""
    source: str = "made"
    cached: Cached | None = None


@dataclass
class MapState:
    """Items of a mapped step: how many there are, which are open, how many came out how."""

    count: int
    open: dict[int, None]
    done: int = 0
    skipped: int = 0
    failed: int = 0
