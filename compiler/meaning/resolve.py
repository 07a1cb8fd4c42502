"""Specs into a pipeline: names bound, prompts read, callees given their ports, wires typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..binding.bound import Bound
from ..diagnostics import Findings
from ..settings import Price
from ..signature import Signatures
from ..source import SourceFile
from ..types import AnyType, FieldType, OpaqueType, Record, RecordType, Type
from .callees import callable_callee, callees, input_parameters
from .defaults import lay_defaults
from .entries import SECTIONS, Namespace, gather
from .flows import FlowResolver
from .jobs import JobResolver
from .pipeline import Callee, Pipeline, Prompt, Scope, StageNode
from .policy import combine
from .prompts import read_prompt
from .reach import reachable
from .sources import beside, is_file_name
from .typetext import BUILT_IN, read_type

HANDLE = OpaqueType.model_construct(name="dataset handle")
"""What ``$datasets.N`` is."""


@dataclass(frozen=True)
class Surroundings:
    """What a compilation is told about its surroundings. ``connectors`` are the known names, None where unknown."""

    signatures: Signatures
    connectors: frozenset[str] | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    """What well-known models cost, by what a model's ``use`` says."""


def resolve(
    main: Bound, libraries: tuple[Bound, ...], files: Mapping[str, SourceFile], around: Surroundings, findings: Findings
) -> Pipeline:
    """Return the pipeline that a spec means; what has no meaning is reported, and the rest is resolved all the same."""
    everything = (main, *libraries)
    names = _with_defaults(gather(main, libraries, findings))
    signatures = _with_roots(around.signatures, names, everything)
    prompts = {prompt.name: prompt for prompt in _prompts(names, files, signatures)}
    ports = callees(names, prompts, signatures)
    pipeline = Pipeline(
        main=main,
        libraries=libraries,
        files=files,
        names=names,
        policy=combine(everything, findings),
        signatures=signatures,
        prompts=prompts,
        callees=ports,
        reached=reachable(main, names),
        connectors=around.connectors,
        prices=around.prices,
        findings=findings,
    )
    return replace(pipeline, flow=_flow(pipeline), stages=tuple(_stages(pipeline)))


def _with_defaults(names: Namespace) -> Namespace:
    return Namespace(**{section: {name: lay_defaults(one) for name, one in names.section(section).items()} for section in SECTIONS})  # type: ignore[arg-type] # each section keeps its own type


def roots() -> dict[str, Type]:
    """Return the types of the roots that are visible everywhere."""
    return {name: RecordType(ref=f":{name}") for name in ("params", "secrets", "datasets")}


def _with_roots(signatures: Signatures, names: Namespace, files: tuple[Bound, ...]) -> Signatures:
    """Return the signatures with records for ``$params``, ``$secrets`` and ``$datasets``, so that they are followed like any other."""
    secrets = {name: BUILT_IN["str"] for bound in files for name in bound.spec.secrets}
    tables: dict[str, Mapping[str, Type]] = {
        "params": {name: BUILT_IN[one.value.type] for name, one in names.params.items()},
        "secrets": secrets,
        "datasets": dict.fromkeys(names.datasets, HANDLE),
    }
    records = {f":{name}": _table(name, fields) for name, fields in tables.items()}
    return signatures.model_copy(update={"records": {**signatures.records, **records}})


def _table(name: str, fields: Mapping[str, Type]) -> Record:
    return Record(ref=f":{name}", style="typeddict", fields=tuple(FieldType(name=one, type=type_) for one, type_ in fields.items()))


def _prompts(names: Namespace, files: Mapping[str, SourceFile], signatures: Signatures) -> Iterator[Prompt]:
    for agent in names.agents.values():
        if agent.value.prompt is not None:
            file, text = _text(agent.home("prompt"), agent.value.prompt, files)
            taken = read_type(agent.value.input, signatures)
            parameters = input_parameters(taken, signatures)
            variables = {one.name: one.type for one in parameters} if parameters is not None else None
            reading = read_prompt(text, variables, signatures.records)
            yield Prompt("agents", agent.name, file, text, reading)
    for human in names.humans.values():
        file, text = _text(human.home("ask"), human.value.ask, files)
        yield Prompt("humans", human.name, file, text, read_prompt(text, None, signatures.records))


def _text(home: str, written: str, files: Mapping[str, SourceFile]) -> tuple[str | None, str]:
    if not is_file_name(written):
        return None, written
    name = beside(home, written)
    return name, files[name].text if name in files else ""


def callee_of(pipeline: Pipeline, use: str) -> Callee | None:
    """Return the ports of what a ``use`` or a ``calls`` names, or None where there is no such thing."""
    return callable_callee(use, pipeline.signatures) if ":" in use else pipeline.callees.get(use)


def _flow(pipeline: Pipeline) -> Scope | None:
    flow = pipeline.main.spec.flow
    if flow is None:
        return None
    resolver = FlowResolver(pipeline.main, pipeline.signatures, lambda use: callee_of(pipeline, use), pipeline.findings)
    outer = roots() | ({"inputs": read_type(flow.inputs, pipeline.signatures)} if flow.inputs is not None else {})
    return resolver.scope(("flow", "steps"), flow.steps, outer)


def _stages(pipeline: Pipeline) -> Iterator[StageNode]:
    job = pipeline.main.spec.job
    if job is None:
        return
    source = pipeline.names.datasets.get(job.source)
    row: Type = read_type(source.value.type, pipeline.signatures) if source is not None else AnyType()

    def output(use: str) -> str:
        agent = pipeline.names.agents.get(use)
        return (agent.value.output if agent is not None else None) or ""

    resolver = JobResolver(pipeline.signatures, lambda use: callee_of(pipeline, use), output)
    yield from resolver.stages(job, row)
