"""Every name means one thing wherever it can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..diagnostics import Findings, Label
from ..meaning.entries import CALLABLES
from ..meaning.pipeline import Pipeline, Scope, StepNode
from ..source import Span
from ..wires import RESERVED_ROOTS


def names_mean_one_thing(pipeline: Pipeline, findings: Findings) -> None:
    """Report a tool, agent or human of the same name as another, and stages of the same name."""
    seen: dict[str, tuple[str, Span]] = {}
    for section in CALLABLES:
        for name, entry in pipeline.names.section(section).items():
            before = seen.setdefault(name, (section, entry.place))
            if before[0] != section:
                label = Label(before[1], f"one of the {before[0]}")
                help_ = "tools, agents and humans share one namespace: give one of them another name"
                findings.error("E303", f"{name} is defined twice", entry.place, labels=[label], help=help_)
    _stages(pipeline, findings)


def _stages(pipeline: Pipeline, findings: Findings) -> None:
    seen: dict[str, Span] = {}
    for node in pipeline.stages:
        place = pipeline.main.span(*node.path, "name")
        before = seen.setdefault(node.stage.name, place)
        if before is not place:
            label = Label(before, "the first one")
            findings.error(
                "E303", f"the stage {node.stage.name} is defined twice", place, labels=[label], help="give one of them another name"
            )


def roots_are_not_hidden(pipeline: Pipeline, findings: Findings) -> None:
    """Report steps and map variables that hide a root that references can name."""
    if pipeline.flow is not None:
        _scope(pipeline, pipeline.flow, {}, findings)


def _scope(pipeline: Pipeline, scope: Scope, around: Mapping[str, Span], findings: Findings) -> None:
    known = {**around, **{one.name: pipeline.main.key_span(*one.path) for one in scope.steps}}
    for node in scope.steps:
        for name, place in _introduced(pipeline, node):
            _tell(name, place, {**around} if name == node.name else known, findings)
        if node.body is not None:
            variable = {node.step.map.as_: pipeline.main.span(*node.path, "map", "as")} if node.step.map else {}
            _scope(pipeline, node.body, {**known, **variable}, findings)


def _introduced(pipeline: Pipeline, node: StepNode) -> Iterator[tuple[str, Span]]:
    yield node.name, pipeline.main.key_span(*node.path)
    if node.step.map is not None:
        yield node.step.map.as_, pipeline.main.span(*node.path, "map", "as")


def _tell(name: str, place: Span, known: Mapping[str, Span], findings: Findings) -> None:
    if name in RESERVED_ROOTS:
        findings.error(
            "E307", f"${name} has a meaning of its own", place, help=f"these names are taken: {', '.join(sorted(RESERVED_ROOTS))}"
        )
    elif name in known and known[name] != place:
        label = Label(known[name], "the other one")
        findings.error("E307", f"{name} would hide another {name}", place, labels=[label], help="give one of them another name")
