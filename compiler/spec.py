"""The language ``darner: 1`` as people write it, one model a grammar rule; the JSON Schema is made from here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .frozen import Frozen
from .quantities import Duration, Money, Share, Size
from .settings import Budget, CacheSetting, Effects, Gpu, Limits, ModelRate, OnFailure, Price, Rung, Sandbox

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
CALLABLE_PATTERN = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"

Callable_ = Annotated[str, Field(pattern=CALLABLE_PATTERN, description="module.path:attr")]
TypeText = Annotated[str, Field(min_length=1, description="str, int, float, bool, module.path:Name or list[TYPE]")]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Value = Any
"""A literal, a reference, or a mapping or list of them."""


class Param(Frozen):
    """A value that is set when a run starts."""

    type: Literal["str", "int", "float", "bool"]
    default: str | int | float | bool | None = None
    choices: tuple[str | int | float | bool, ...] = ()
    help: str | None = None


class Policy(Frozen):
    """Maxima that nothing in the file may pass."""

    max_memory: Size | None = None
    max_gpus: Annotated[int, Field(ge=0)] | None = None
    gpu_types: tuple[str, ...] | None = None
    max_cost: Money | None = None
    models: tuple[str, ...] | None = None
    egress: tuple[str, ...] | None = None
    tiers: tuple[str, ...] | None = None
    sandbox: tuple[Literal["monty", "jail"], ...] | None = None
    forbid_effects: tuple[Effects, ...] | None = None
    retention: Duration | None = None


class Defaults(Frozen):
    """Settings for everything in the file that writes them."""

    timeout: Duration | None = None
    resources: str | None = None
    cache: CacheSetting | None = None
    model: str | None = None
    on_failure: OnFailure = {}


class Model(Frozen):
    """A model and how it is reached."""

    extends: str | None = None
    use: str | None = None
    base_url: str | None = None
    secret: str | None = None
    params: dict[str, Any] = {}
    rate: ModelRate | None = None
    price: Price | None = None
    fallback: str | None = None


class Dataset(Frozen):
    """Rows somewhere: a connector or a callable, the row's type and its key."""

    use: str
    type: TypeText
    key: str
    with_: dict[str, Value] = Field(default={}, alias="with")
    snapshot: Literal["full", "changes"] = "full"
    deleted: str | None = None


class Resources(Frozen):
    """What one process gets."""

    extends: str | None = None
    cpu: Annotated[float, Field(gt=0)] | None = None
    memory: Size | None = None
    gpu: Gpu | None = None
    no_gpu: str | None = None
    disk: Size | None = None
    spot: bool | None = None
    image: str | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    on_oom: tuple[Rung, ...] = ()


class Mcp(Frozen):
    """Tools of an MCP server."""

    command: tuple[str, ...] | None = None
    url: str | None = None
    tools: tuple[str, ...] = ()
    effects: dict[str, Effects] = {}


class Tool(Frozen):
    """A callable with declared effects, or the tools of an MCP server."""

    extends: str | None = None
    use: Callable_ | None = None
    mcp: Mcp | None = None
    with_: dict[str, Value] = Field(default={}, alias="with")
    effects: Effects | None = None
    idempotent: bool = False
    reconcile: Callable_ | None = None
    approval: str | None = None
    cache: CacheSetting | None = None
    version: str | int | None = None
    sandbox: Sandbox | None = None
    egress: tuple[str, ...] = ()
    timeout: Duration | None = None
    resources: str | None = None
    on_failure: OnFailure = {}


class Agent(Frozen):
    """A model with a prompt, typed input and output, and what it may call."""

    extends: str | None = None
    model: str | None = None
    prompt: str | None = None
    input: TypeText | None = None
    output: TypeText | None = None
    check: Callable_ | None = None
    tools: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    history: Literal["call", "run"] = "call"
    limits: Limits | None = None
    tier: str | None = None
    cache: CacheSetting | None = None
    version: str | int | None = None
    on_failure: OnFailure = {}


class Human(Frozen):
    """Somebody who is asked."""

    ask: str
    answer: TypeText | None = None
    inbox: bool = False
    notify: str | None = None
    timeout: Duration | None = None
    remind: Duration | None = None
    on_timeout: Literal["fail", "default", "escalate"] = "fail"
    escalate: str | None = None
    default: Value = None


class Map(Frozen):
    """Do a step once per item."""

    over: str
    as_: Name = Field(default="item", alias="as")
    max_parallel: Annotated[int, Field(ge=1)] | None = None


class Loop(Frozen):
    """Rounds of steps until a Python function says that it is enough."""

    state: str
    steps: dict[Name, Step] = Field(min_length=1)
    next: Callable_
    with_: Value = Field(default=None, alias="with")
    max_rounds: Annotated[int, Field(ge=1)]
    budget: Budget | None = None


class Step(Frozen):
    """One step of a flow: what runs, what it gets, when."""

    use: str | None = None
    loop: Loop | None = None
    with_: Value = Field(default=None, alias="with")
    calls: tuple[str, ...] = ()
    limits: Limits | None = None
    when: dict[str, Value] = {}
    map: Map | None = None
    after: tuple[str, ...] = ()
    cache: CacheSetting | None = None
    version: str | int | None = None
    timeout: Duration | None = None
    resources: str | None = None
    on_failure: OnFailure = {}

    @property
    def conducts(self) -> bool:
        """Whether its code is fed from the journal: it says what it calls, be that nothing at all."""
        return bool(self.calls) or "calls" in self.model_fields_set


class Flow(Frozen):
    """Steps that wires put in order, with outputs."""

    inputs: TypeText | None = None
    steps: dict[Name, Step] = Field(min_length=1)
    outputs: Value
    timeout: Duration | None = None
    budget: Budget | None = None


class Stage(Frozen):
    """One stage of a job."""

    name: Name
    use: str
    with_: dict[str, Value] = Field(default={}, alias="with")
    resources: str | None = None
    batch: Annotated[int, Field(ge=1)] | None = None
    concurrency: Annotated[int, Field(ge=1)] | None = None
    version: str | int | None = None
    cache: CacheSetting | None = None
    on_failure: OnFailure = {}


class Sink(Frozen):
    """Where a job's rows go."""

    to: str
    mode: Literal["upsert", "replace"] = "upsert"
    deletes: Literal["propagate", "keep"] = "propagate"
    max_deletes: Share = 0.05
    batch: Annotated[int, Field(ge=1)] | None = None


class Checkpoint(Frozen):
    """How much work one shard is."""

    rows: Annotated[int, Field(ge=1)] = 4096


class DeadLetter(Frozen):
    """How many of the planned rows may fail."""

    max: Share = 0.0


class Job(Frozen):
    """Rows from a source through stages into a sink."""

    source: str
    stages: tuple[Stage, ...] = Field(min_length=1)
    sink: Sink
    checkpoint: Checkpoint = Checkpoint.model_construct()
    dead_letter: DeadLetter = DeadLetter.model_construct()
    budget: Budget | None = None


class Spec(Frozen):
    """One file of the language: a spec (with a name and a flow or a job) or a library (without)."""

    darner: Literal[1]
    name: Name | None = None
    description: str | None = None
    imports: tuple[str, ...] = ()
    params: dict[Name, Param] = {}
    secrets: tuple[Name, ...] = ()
    policy: Policy | None = None
    defaults: Defaults | None = None
    models: dict[Name, Model] = {}
    datasets: dict[Name, Dataset] = {}
    resources: dict[Name, Resources] = {}
    tools: dict[Name, Tool] = {}
    agents: dict[Name, Agent] = {}
    humans: dict[Name, Human] = {}
    flow: Flow | None = None
    job: Job | None = None
