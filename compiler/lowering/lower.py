"""The pipeline into a plan: only what it means is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from ..frozen import Frozen
from ..meaning.assign import fields_of
from ..meaning.defaults import stage_with_defaults, step_with_defaults
from ..meaning.entries import Entry
from ..meaning.pipeline import Callee, Pipeline, Scope, StageNode, StepNode
from ..meaning.sources import beside, is_file_name
from ..meaning.typetext import read_type
from ..plan import (
    AgentPlan,
    DatasetPlan,
    HumanPlan,
    JobPlan,
    LoopPlan,
    MapPlan,
    McpPlan,
    ModelPlan,
    Plan,
    ResourcesPlan,
    SinkPlan,
    StagePlan,
    StepPlan,
    ToolPlan,
)
from ..settings import OnFailure
from ..signature import Parameter
from ..spec import Agent, Dataset, Human, Job, Loop, Map, Mcp, Model, Resources, Tool
from ..types import AnyType, CallType, MissingType, Type, describe
from ..wires import is_reference
from .plantext import from_text, to_text
from .reactions import minimal

__all__ = ["from_text", "lower", "to_text"]

P = TypeVar("P", bound=Frozen)


def lower(pipeline: Pipeline) -> Plan:
    """Return the plan of a pipeline that passed its checks."""
    spec = pipeline.main.spec
    flow, job = spec.flow, spec.job
    return _build(
        Plan,
        plan=spec.name,
        params=_section(pipeline, "params", lambda one: one.value),
        secrets=tuple(sorted({name for bound in (pipeline.main, *pipeline.libraries) for name in bound.spec.secrets})),
        policy=pipeline.policy.policy,
        models=_section(pipeline, "models", _model),
        datasets=_section(pipeline, "datasets", lambda one: _dataset(pipeline, one)),
        resources=_section(pipeline, "resources", _resources),
        tools=_section(pipeline, "tools", lambda one: _tool(pipeline, one)),
        agents=_section(pipeline, "agents", lambda one: _agent(pipeline, one)),
        humans=_section(pipeline, "humans", _human),
        inputs=flow.inputs if flow else None,
        timeout=flow.timeout if flow else None,
        budget=flow.budget if flow else job.budget if job else None,
        steps=_steps(pipeline, pipeline.flow) if pipeline.flow else {},
        outputs=flow.outputs if flow else None,
        job=_job(job) if job else None,
        stages={one.stage.name: _stage(pipeline, one) for one in pipeline.stages},
    )


def _build(model: type[P], /, **values: Any) -> P:
    """Build a plan's entry from values that were parsed already; None leaves a field at its default."""
    return cast("P", model.model_construct(**{key: value for key, value in values.items() if value is not None}))


def _shared(model: type[Frozen], value: Frozen, /, **settled: Any) -> dict[str, Any]:
    """Return the values of the fields that a spec's entry and a plan's have in common, then what lowering settles."""
    return {key: getattr(value, key) for key in model.model_fields if key in type(value).model_fields} | settled


def _section(pipeline: Pipeline, section: str, make: Callable[[Entry[Any]], P]) -> dict[str, P]:
    """Return the entries of a section that the spec's flow or job can reach."""
    entries = pipeline.names.section(section)
    return {name: make(entries[name]) for name in sorted(entries) if (section, name) in pipeline.reached}


def _model(entry: Entry[Model]) -> ModelPlan:
    return _build(ModelPlan, **_shared(ModelPlan, entry.value))


def _resources(entry: Entry[Resources]) -> ResourcesPlan:
    return _build(ResourcesPlan, **_shared(ResourcesPlan, entry.value))


def _dataset(pipeline: Pipeline, entry: Entry[Dataset]) -> DatasetPlan:
    return _build(
        DatasetPlan, **_shared(DatasetPlan, entry.value, fields=_field_names(pipeline, read_type(entry.value.type, pipeline.signatures)))
    )


def _field_names(pipeline: Pipeline, type_: Type) -> tuple[str, ...]:
    return tuple(one.name for one in fields_of(type_, pipeline.records) or ())


def _tool(pipeline: Pipeline, entry: Entry[Tool]) -> ToolPlan:
    tool = entry.value
    mcp = _build(McpPlan, **_shared(McpPlan, tool.mcp)) if isinstance(tool.mcp, Mcp) else None
    callee = pipeline.callees.get(entry.name)
    return _build(ToolPlan, **_shared(ToolPlan, tool, mcp=mcp, type=_arrow(callee), on_failure=minimal(tool.on_failure)))


def _agent(pipeline: Pipeline, entry: Entry[Agent]) -> AgentPlan:
    agent, prompt = entry.value, pipeline.prompts[entry.name]
    return _build(
        AgentPlan,
        **_shared(
            AgentPlan,
            agent,
            prompt=prompt.file or prompt.text,
            reads=prompt.reading.variables,
            new_fields=next((one.new_fields for one in pipeline.stages if one.stage.use == entry.name), None),
            on_failure=minimal(agent.on_failure),
        ),
    )


def _human(entry: Entry[Human]) -> HumanPlan:
    ask = entry.value.ask
    return _build(HumanPlan, **_shared(HumanPlan, entry.value, ask=beside(entry.home("ask"), ask) if is_file_name(ask) else ask))


# ── flows ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _steps(pipeline: Pipeline, scope: Scope) -> dict[str, StepPlan]:
    return {one.name: _step(pipeline, one) for one in scope.steps}


def _step(pipeline: Pipeline, node: StepNode) -> StepPlan:
    step = step_with_defaults(node.step, pipeline.main.spec.defaults)
    runs: dict[str, Any] = {node.callee.kind: step.use} if node.callee is not None else {}
    settled: dict[str, Any] = {
        "loop": _loop(pipeline, node, step.loop) if step.loop is not None else None,
        "map": _build(MapPlan, **_shared(MapPlan, step.map)) if isinstance(step.map, Map) else None,
        "when": {key: value if isinstance(value, tuple) else _listed(value) for key, value in sorted(step.when.items())},
        "type": _arrow(node.callee) if node.callee is not None else _loop_type(node),
        "reads": _step_reads(pipeline, node),
        "calls_nothing": True if step.conducts and not step.calls else None,
        "on_failure": minimal(step.on_failure, _beneath(pipeline, node.callee)),
        **runs,
    }
    return _build(StepPlan, **_shared(StepPlan, step, **settled))


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(sorted(value, key=str)) if isinstance(value, list) else (value,)


def _loop(pipeline: Pipeline, node: StepNode, loop: Loop) -> LoopPlan:
    steps = _steps(pipeline, node.body) if node.body is not None else {}
    return _build(LoopPlan, **_shared(LoopPlan, loop, steps=steps))


def _loop_type(node: StepNode) -> str:
    if node.body is None or isinstance(node.result, AnyType):
        return ""
    return f"{describe(node.body.outer['state'])} -> {describe(node.result)}"


def _step_reads(pipeline: Pipeline, node: StepNode) -> tuple[str, ...]:
    """Return the fields that a step really uses of the one value that it is passed, where that is narrower than the value."""
    with_ = node.step.with_
    if node.callee is None or not is_reference(with_):
        return ()
    takes = node.callee.whole or next((one.type for one in node.callee.parameters or ()), AnyType())
    return _narrower(pipeline, pipeline.type_of(node, with_), takes)


def _narrower(pipeline: Pipeline, given: Type, takes: Type) -> tuple[str, ...]:
    """Return the fields of ``takes`` where it is a projection of ``given``."""
    wanted = _field_names(pipeline, takes)
    had = _field_names(pipeline, given)
    return tuple(sorted(wanted)) if wanted and set(wanted) < set(had) else ()


def _beneath(pipeline: Pipeline, callee: Callee | None) -> OnFailure:
    """Return the reactions that a step's or a stage's own are laid over."""
    if callee is None or callee.kind not in {"tool", "agent"}:
        return {}
    name = callee.name.partition(".")[0]
    entry = pipeline.names.tools.get(name) or pipeline.names.agents.get(name)
    return entry.value.on_failure if entry is not None else {}


def _arrow(callee: Callee | None) -> str:
    """Return a callee's type in one line: ``Product -> Enriched``, ``(query: str, limit: int) -> list[Product]``."""
    if callee is None or callee.parameters is None:
        return ""
    if callee.whole is not None:
        return f"{describe(callee.whole)} -> {describe(callee.output)}"
    taken = [one for one in callee.parameters if one.variadic == "no" and not isinstance(one.type, CallType)]
    return f"{_taken(taken)} -> {describe(callee.output)}"


def _taken(parameters: list[Parameter]) -> str:
    if len(parameters) == 1 and not isinstance(parameters[0].type, MissingType):
        return describe(parameters[0].type)
    return f"({', '.join(f'{one.name}: {describe(one.type)}' for one in parameters)})"


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _job(job: Job) -> JobPlan:
    sink = _build(SinkPlan, **_shared(SinkPlan, job.sink))
    return _build(JobPlan, source=job.source, sink=sink, checkpoint_rows=job.checkpoint.rows, dead_letter_max=job.dead_letter.max)


def _stage(pipeline: Pipeline, node: StageNode) -> StagePlan:
    stage, callee = stage_with_defaults(node.stage, pipeline.main.spec.defaults), node.callee
    signature = callee.signature if callee is not None else None
    settled = {
        "shape": node.shape,
        "runs": stage.use,
        "type": _stage_type(node),
        "reads": _stage_reads(pipeline, node),
        "fields": _field_names(pipeline, node.gives),
        "output": node.gives_name,
        "built_once": signature is not None and signature.shape == "class",
        "is_async": signature is not None and (signature.called or signature).is_async,
        "on_failure": minimal(stage.on_failure, _beneath(pipeline, callee)),
    }
    return _build(StagePlan, **_shared(StagePlan, stage, **settled))


def _stage_type(node: StageNode) -> str:
    if isinstance(node.takes, AnyType):
        return ""
    takes, gives = describe(node.takes), describe(node.gives)
    match node.shape:
        case "batch":
            return f"list[{takes}] -> list[{gives}]"
        case "explode":
            return f"{takes} -> list[{gives}]"
        case "filter":
            return f"{takes} -> {gives} | None"
        case _:
            return f"{takes} -> {gives}"


def _stage_reads(pipeline: Pipeline, node: StageNode) -> tuple[str, ...]:
    if node.callee is not None and node.callee.kind == "agent":
        return pipeline.prompts[node.callee.name].reading.variables
    return _narrower(pipeline, node.row, node.takes)
