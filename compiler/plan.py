"""The plan: what a spec means, and nothing else. The intermediate form between the compiler and the runtime.

A plan holds names bound, `extends` followed and defaults laid in, nodes in topological order, and no place, time,
path, digest or version. Settings equal to the language's defaults are left out of its text unless it is written in
full (see `lower.to_text`). References stay as they are written (``$plan.query``); see `wires`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .frozen import Frozen
from .quantities import Duration, Share, Size
from .settings import Budget, Cache, Effects, Gpu, Limits, ModelRate, OnFailure, Price, Rung, Sandbox
from .spec import Param, Policy

Shape = Literal["row", "filter", "explode", "batch", "arrow"]


class ModelPlan(Frozen):
    """A model and how it is reached."""

    use: str
    base_url: str | None = None
    secret: str | None = None
    params: dict[str, Any] = {}
    rate: ModelRate | None = None
    price: Price | None = None
    fallback: str | None = None


class DatasetPlan(Frozen):
    """Rows somewhere. ``use`` is a connector's name, or a callable's."""

    use: str
    type: str
    key: str
    with_: dict[str, Any] = Field(default={}, alias="with")
    snapshot: Literal["full", "changes"] = "full"
    deleted: str | None = None
    fields: tuple[str, ...] = ()
    """The fields of ``type``, in the order of the type's definition."""


class ResourcesPlan(Frozen):
    """What one process gets."""

    cpu: float | None = None
    memory: Size | None = None
    gpu: Gpu | None = None
    no_gpu: str | None = None
    disk: Size | None = None
    spot: bool = False
    image: str | None = None
    workers: int | None = None
    on_oom: tuple[Rung, ...] = ()


class McpPlan(Frozen):
    """Tools of an MCP server."""

    command: tuple[str, ...] | None = None
    url: str | None = None
    tools: tuple[str, ...] = ()
    effects: dict[str, Effects] = {}


class ToolPlan(Frozen):
    """A callable with declared effects, or the tools of an MCP server."""

    use: str | None = None
    mcp: McpPlan | None = None
    type: str = ""
    with_: dict[str, Any] = Field(default={}, alias="with")
    effects: Effects | None = None
    idempotent: bool = False
    reconcile: str | None = None
    approval: str | None = None
    cache: Cache = Cache.model_construct()
    version: str | int | None = None
    sandbox: Sandbox | None = None
    egress: tuple[str, ...] = ()
    timeout: Duration | None = None
    resources: str | None = None
    on_failure: OnFailure = {}


class AgentPlan(Frozen):
    """A model with a prompt. ``prompt`` is a file's name (one line ending in ``.j2``) or the text itself."""

    model: str
    prompt: str
    input: str
    output: str
    reads: tuple[str, ...] = ()
    """The input's fields that the prompt names, sorted."""
    new_fields: tuple[str, ...] | None = None
    """In a job whose agent's output extends its input: the fields that the model is asked for."""
    check: str | None = None
    tools: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    history: Literal["call", "run"] = "call"
    limits: Limits | None = None
    tier: str | None = None
    cache: Cache = Cache.model_construct()
    version: str | int | None = None
    on_failure: OnFailure = {}


class HumanPlan(Frozen):
    """Somebody who is asked."""

    ask: str
    answer: str | None = None
    inbox: bool = False
    notify: str | None = None
    timeout: Duration | None = None
    remind: Duration | None = None
    on_timeout: Literal["fail", "default", "escalate"] = "fail"
    escalate: str | None = None
    default: Any = None


class MapPlan(Frozen):
    """Do a step once per item."""

    over: str
    as_: str = Field(default="item", alias="as")
    max_parallel: int | None = None


class LoopPlan(Frozen):
    """Rounds of steps."""

    state: str
    steps: dict[str, StepPlan]
    next: str
    with_: Any = Field(default=None, alias="with")
    max_rounds: int
    budget: Budget | None = None


class StepPlan(Frozen):
    """A node of a flow: exactly one of ``callable``, ``tool``, ``agent``, ``human`` and ``loop`` says what runs."""

    callable: str | None = None
    tool: str | None = None
    agent: str | None = None
    human: str | None = None
    loop: LoopPlan | None = None
    with_: Any = Field(default=None, alias="with")
    type: str = ""
    reads: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    calls_nothing: Literal[True] | None = None
    """It was written with ``calls: []``: its code is fed from the journal (``darner.sleep`` and its like) as with calls. An empty
    ``calls`` doesn't say so: a plan that is written in full has one at each step."""
    limits: Limits | None = None
    when: dict[str, tuple[str | int | bool, ...]] = {}
    map: MapPlan | None = None
    after: tuple[str, ...] = ()
    cache: Cache = Cache.model_construct()
    version: str | int | None = None
    timeout: Duration | None = None
    resources: str | None = None
    on_failure: OnFailure = {}

    @model_validator(mode="after")
    def _one_thing_runs(self) -> StepPlan:
        said = [name for name in ("callable", "tool", "agent", "human", "loop") if getattr(self, name) is not None]
        if len(said) != 1:
            msg = f"a step runs exactly one thing, not {said or 'nothing'}"
            raise ValueError(msg)
        return self

    @property
    def conducts(self) -> bool:
        """Whether its code is fed from the journal."""
        return bool(self.calls) or self.calls_nothing is not None


class StagePlan(Frozen):
    """A node of a job: ``runs`` is an agent's name, or a callable's (it has a colon)."""

    shape: Shape
    runs: str
    type: str = ""
    reads: tuple[str, ...] = ()
    """The fields of the row that the stage is passed and really uses, sorted; empty means the whole row."""
    fields: tuple[str, ...] = ()
    """The fields of the rows that leave the stage, in the order of their type's definition."""
    output: str = ""
    """The type of the rows that leave the stage, as ``module.path:Name`` (empty for RecordBatch)."""
    built_once: bool = False
    """The callable is a class: built once per worker, with ``with`` as constructor arguments."""
    is_async: bool = False
    with_: dict[str, Any] = Field(default={}, alias="with")
    resources: str | None = None
    batch: int | None = None
    concurrency: int | None = None
    version: str | int | None = None
    cache: Cache = Cache.model_construct()
    on_failure: OnFailure = {}


class SinkPlan(Frozen):
    """Where a job's rows go."""

    to: str
    mode: Literal["upsert", "replace"] = "upsert"
    deletes: Literal["propagate", "keep"] = "propagate"
    max_deletes: Share = 0.05
    batch: int | None = None


class JobPlan(Frozen):
    """A job's ends and rules; its stages are the plan's ``stages``."""

    source: str
    sink: SinkPlan
    checkpoint_rows: Annotated[int, Field(ge=1)] = 4096
    dead_letter_max: Share = 0.0


class Plan(Frozen):
    """What runs. ``steps`` for a flow, ``stages`` for a job; the plan's text calls both ``nodes``."""

    plan: str
    format: Literal[1] = 1
    params: dict[str, Param] = {}
    secrets: tuple[str, ...] = ()
    policy: Policy = Policy.model_construct()
    models: dict[str, ModelPlan] = {}
    datasets: dict[str, DatasetPlan] = {}
    resources: dict[str, ResourcesPlan] = {}
    tools: dict[str, ToolPlan] = {}
    agents: dict[str, AgentPlan] = {}
    humans: dict[str, HumanPlan] = {}
    inputs: str | None = None
    timeout: Duration | None = None
    budget: Budget | None = None
    steps: dict[str, StepPlan] = {}
    outputs: Any = None
    job: JobPlan | None = None
    stages: dict[str, StagePlan] = {}


class Lock(Frozen):
    """What varies without changing the meaning: fingerprints, and where each node stands in the spec."""

    format: Literal[1] = 1
    callables: dict[str, str] = {}
    """Code fingerprints by callable name."""
    prompts: dict[str, str] = {}
    """Prompt fingerprints by agent or human name."""
    places: dict[str, str] = {}
    """Node name to ``file:line:column``."""
    personal: tuple[str, ...] = ()
    """Fields that are marked ``Personal``, as ``module:Type.field``: hidden wherever a run is shown."""
    prices: dict[str, Price] = {}
    """What models cost whose entries don't say it, by model: as it was known then."""


class Compiled(Frozen):
    """What a compilation gives: the plan, the texts of the prompts that it names as files, and the lock."""

    plan: Plan
    prompts: dict[str, str] = {}
    """The texts of the prompts and asks that the plan names as files, by file name."""
    lock: Lock = Lock.model_construct()
    params: dict[str, str | int | float | bool] = {}
    """The parameters' values as far as they are known: what was given, and defaults. Never part of the plan."""
