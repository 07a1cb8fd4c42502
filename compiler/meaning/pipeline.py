"""The checked model: a spec with names bound, callees known, and types on every wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..binding.bound import Bound
from ..diagnostics import Findings
from ..plan import ModelPlan, Shape
from ..settings import Price
from ..signature import Parameter, Signature, Signatures
from ..source import SourceFile, Span
from ..spec import Model, Stage, Step
from ..text.syntax import Path
from ..types import AnyType, Records, Type
from ..wires import Ref, parse_reference
from .entries import Namespace
from .follow import Astray, follow
from .policy import PolicyInForce
from .prompts import Reading

CalleeKind = Literal["callable", "tool", "agent", "human"]


@dataclass(frozen=True)
class Prompt:
    """The prompt of an agent, or the ask of a human: its text, where it stands, and what it names."""

    section: str
    name: str
    file: str | None
    """The file's name where the text is in a file of its own."""
    text: str
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True)
class Callee:
    """Something that can be run, with its ports. ``parameters`` is None where anything may be passed."""

    kind: CalleeKind
    name: str
    parameters: tuple[Parameter, ...] | None = None
    output: Type = field(default_factory=AnyType)
    signature: Signature | None = None
    whole: Type | None = None
    """The type that is passed as one value: an agent's input."""

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name, or None."""
        return next((one for one in self.parameters or () if one.name == name), None)


@dataclass(frozen=True)
class Wire:
    """One reference of a spec: where it is written, what it points at, what type comes out of it."""

    ref: Ref
    place: Span
    type: Type


@dataclass(frozen=True)
class StepNode:
    """One step with what runs and what flows into it. ``path`` is where it stands in its file."""

    name: str
    path: Path
    step: Step
    callee: Callee | None
    inside: Mapping[str, Type]
    """What the step's own references may name, with types: what is visible around it, and its map variable."""
    reads: tuple[str, ...]
    """The steps of the same scope that it waits for, in any way."""
    body: Scope | None = None
    result: Type = field(default_factory=AnyType)
    skippable: bool = False


@dataclass(frozen=True)
class Scope:
    """The steps of a flow or of a loop's body, in topological order, then by name."""

    path: Path
    steps: tuple[StepNode, ...]
    outer: Mapping[str, Type]
    """What is visible from around: ``inputs``, and inside a loop the outer steps, ``state``, ``round``."""

    def step(self, name: str) -> StepNode | None:
        """Return the step of that name, or None."""
        return next((one for one in self.steps if one.name == name), None)

    def all_steps(self) -> Iterator[StepNode]:
        """Yield every step, those inside of loops too."""
        for one in self.steps:
            yield one
            if one.body is not None:
                yield from one.body.all_steps()


@dataclass(frozen=True)
class StageNode:
    """One stage with its shape and the types of the rows that enter and leave."""

    index: int
    stage: Stage
    callee: Callee | None
    shape: Shape
    row: Type
    """The rows that enter."""
    takes: Type
    """What the stage asks for: a record, narrower perhaps."""
    gives: Type
    """The rows that leave."""
    gives_name: str = ""
    """The type of the rows that leave as ``module.path:Name``."""
    new_fields: tuple[str, ...] | None = None

    @property
    def path(self) -> Path:
        """Where the stage stands in its file."""
        return ("job", "stages", self.index)


@dataclass(frozen=True)
class Pipeline:
    """A whole spec, resolved. The checks read it; lowering turns it into a plan."""

    main: Bound
    libraries: tuple[Bound, ...]
    files: Mapping[str, SourceFile]
    names: Namespace
    policy: PolicyInForce
    signatures: Signatures
    prompts: Mapping[str, Prompt]
    """By agent or human: they share one namespace."""
    callees: Mapping[str, Callee]
    """By tool, agent or human."""
    flow: Scope | None = None
    stages: tuple[StageNode, ...] = ()
    reached: frozenset[tuple[str, str]] = frozenset()
    """(section, name) of every entry that the flow or the job can reach."""
    connectors: frozenset[str] | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    """What well-known models cost, by what a model's ``use`` says."""
    findings: Findings = field(default_factory=Findings, repr=False, compare=False)

    @property
    def records(self) -> Records:
        """The record types that were read from Python."""
        return self.signatures.records

    def price_of(self, model: Model | ModelPlan) -> Price | None:
        """Return what a model costs: as its entry says, else as it is known; unknown where its server is somebody's own."""
        return model.price or (self.prices.get(model.use or "") if model.base_url is None else None)

    def type_of(self, node: StepNode, value: Any) -> Type:
        """Return the type of what a step's reference points at, ``Any`` where it leads nowhere."""
        ref = parse_reference(value) if isinstance(value, str) else None
        if ref is None:
            return AnyType()
        found = follow(node.inside.get(ref.root, AnyType()), ref.path, self.records)
        return AnyType() if isinstance(found, Astray) else found
