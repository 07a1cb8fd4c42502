"""The journal's words: a frozen, versioned, tagged union. What is shown to anybody is folded from these."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ..compiler.frozen import Frozen
from ..compiler.settings import FailureClass

VERSION = 1


class RunStarted(Frozen):
    """A run begins: the digest of its plan's text, its inputs, its bound parameters."""

    kind: Literal["run_started"] = "run_started"
    at: float
    run: str
    plan: str
    user: str | None = None


class TakenUp(Frozen):
    """An owner opened the journal: the first time, or again after a crash or a pause."""

    kind: Literal["taken_up"] = "taken_up"
    at: float
    epoch: int
    owner: str
    redo: tuple[str, ...] = ()
    """Steps that a person wants done anew: what was recorded of them, their calls too, no longer counts."""
    again: tuple[str, ...] = ()
    """Steps that depend on those: their outcomes no longer count, but finished calls are served."""


class CallStarted(Frozen):
    """An attempt began. For a write this is the intent, durable before the write begins."""

    kind: Literal["call_started"] = "call_started"
    at: float
    call: str
    parent: str
    what: Literal["model", "tool", "agent", "callable", "human"]
    name: str
    attempt: int
    effects: Literal["pure", "read", "write"] = "read"


class CallFinished(Frozen):
    """A call has its result. ``value`` is JSON, or None with ``blob`` naming where it is."""

    kind: Literal["call_finished"] = "call_finished"
    at: float
    call: str
    parent: str
    what: Literal["model", "tool", "agent", "callable", "human"]
    name: str
    value: Any = None
    blob: str | None = None
    fingerprint: str = ""
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    seconds: float = 0.0


class CallFailed(Frozen):
    """An attempt failed; ``final`` says that its policy is used up."""

    kind: Literal["call_failed"] = "call_failed"
    at: float
    call: str
    parent: str
    name: str
    attempt: int
    failure: FailureClass
    type: str
    message: str
    final: bool = False
    input_tokens: int = 0
    source: Literal["made", "cache", "fork"] = "made"
    """Whether the call was made, an equal one's result was served, or it was copied with the run that this is a fork of."""
    cached: Cached | None = None
    """Where the call may be cached: what the cache said."""


class Said(Frozen):
    """One message of an agent's conversation that goes on over its calls; it comes before the end of its call, in one commit."""

    kind: Literal["said"] = "said"
    at: float
    call: str
    value: Any = None
    blob: str | None = None
    output_tokens: int = 0
    cost: Decimal = Decimal(0)


class StepFinished(Frozen):
    """A step (or one item of a mapped step) has its value. ``step`` is a path: ``rank``, ``research[3]``."""

    kind: Literal["step_finished"] = "step_finished"
    at: float
    step: str
    value: Any = None
    blob: str | None = None
    call: str | None = None
    """The call whose result it is; then the value stands there, and not here again."""


class StepSkipped(Frozen):
    """A step will not run: its `when` is false, what it reads was skipped, or its failure policy says skip."""

    kind: Literal["step_skipped"] = "step_skipped"
    at: float
    step: str
    reason: str


class StepFailed(Frozen):
    """A step's failure policy is used up."""

    kind: Literal["step_failed"] = "step_failed"
    at: float
    step: str
    failure: FailureClass
    type: str
    message: str
    place: str = ""


class MapExpanded(Frozen):
    """A mapped step knows its items."""

    kind: Literal["map_expanded"] = "map_expanded"
    at: float
    step: str
    count: int


class RunFinished(Frozen):
    """A run is over."""

    kind: Literal["run_finished"] = "run_finished"
    at: float
    status: Literal["done", "failed", "cancelled"]
    outputs: Any = None
    blob: str | None = None
    error: str | None = None


Event = Annotated[
    RunStarted | TakenUp | CallStarted | CallFinished | Said | CallFailed | StepFinished | StepSkipped | StepFailed | MapExpanded | RunFinished | RoundStarted | Drifted | LetGo
    | QuestionAsked | QuestionClosed | TimerSet | RunParked,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
