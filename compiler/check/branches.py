"""Branches: what ``when`` tests has known values, the values are among them, and each of them goes somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Findings, Label, did_you_mean
from ..meaning.assign import required
from ..meaning.follow import Astray, follow
from ..meaning.pipeline import Pipeline, Scope, StepNode
from ..meaning.resolve import roots
from ..source import Span
from ..types import AnyType, LiteralType, MissingType, ScalarType, Type, describe
from ..wires import parse_reference
from . import visible


def branches_are_sound(pipeline: Pipeline, findings: Findings) -> None:
    """Report conditions on what has no known values, values that never come, and values that lead nowhere."""
    if pipeline.flow is not None:
        _scope(pipeline, pipeline.flow, findings)


def _scope(pipeline: Pipeline, scope: Scope, findings: Findings) -> None:
    tested: dict[str, tuple[LiteralType, list[Any], Span]] = {}
    for node in scope.steps:
        for key, type_ in _conditions(pipeline, node, findings):
            wanted = node.step.when[key]
            place = pipeline.main.key_span(*node.path, "when", key)
            listed = wanted if isinstance(wanted, list | tuple) else [wanted]
            _values(pipeline, node, key, type_, findings)
            if isinstance(type_, LiteralType):
                tested.setdefault(key, (type_, [], place))[1].extend(listed)
        if node.body is not None:
            _scope(pipeline, node.body, findings)
    for key, (type_, values, place) in tested.items():
        open_ = [value for value in type_.values if value not in values]
        if open_ and not set(map(str, values)) - set(map(str, type_.values)):
            shown = ", ".join(map(str, open_))
            help_ = "each value must lead somewhere: add a step with that when, or list the value beside another one"
            findings.error("E604", f"no step runs when {key} is {shown}", place, help=help_)


def _conditions(pipeline: Pipeline, node: StepNode, findings: Findings) -> Iterator[tuple[str, Type]]:
    """Yield (key, type) of each condition that names something."""
    around = visible.of_step(pipeline, node)
    own = {node.step.map.as_} if node.step.map is not None else set()
    steps = {name for name in around.types if name not in roots() | {"inputs": 0, "state": 0, "round": 0}} - own
    for key in node.step.when:
        place = pipeline.main.key_span(*node.path, "when", key)
        ref = parse_reference(f"${key}")
        if ref is None or ref.root not in steps:
            help_ = around.hidden.get(ref.root if ref else key) or did_you_mean(ref.root if ref else key, steps | set(around.hidden))
            findings.error("E305", f"when: there is no step {ref.root if ref else key} to test", place, help=help_)
            continue
        found = follow(around.types[ref.root], ref.path, pipeline.records)
        if isinstance(found, Astray):
            findings.error("E308", f"when: {found.message}", place, help=found.help)
        else:
            yield key, required(found)


def _values(pipeline: Pipeline, node: StepNode, key: str, type_: Type, findings: Findings) -> None:
    if isinstance(type_, AnyType | MissingType):
        return
    known: tuple[Any, ...] = (True, False) if type_ == ScalarType(name="bool") else type_.values if isinstance(type_, LiteralType) else ()
    if not known:
        help_ = 'a branch is a Python function that returns a Literal["…"], an Enum or a bool'
        findings.error(
            "E602", f"{key} is {describe(type_)}, which has no known values", pipeline.main.key_span(*node.path, "when", key), help=help_
        )
        return
    wanted = node.step.when[key]
    for index, value in enumerate(wanted if isinstance(wanted, list | tuple) else [wanted]):
        if not any(value == one and type(value) is type(one) for one in known):
            place = pipeline.main.span(*node.path, "when", key, *([index] if isinstance(wanted, list | tuple) else []))
            shown = str(value).lower() if isinstance(value, bool) else value
            words = [str(one).lower() if isinstance(one, bool) else str(one) for one in known]
            help_ = did_you_mean(str(shown), words) or f"its values are {', '.join(words)}"
            labels = [Label(one, f"{key} is {describe(type_)}") for one in _made(pipeline, key)]
            findings.error("E603", f"{key} is never {shown}", place, labels=labels, help=help_)


def _made(pipeline: Pipeline, key: str) -> Iterator[Span]:
    """Yield where the step that is tested says what runs."""
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        if node.name == key.partition(".")[0] and node.step.use is not None:
            yield pipeline.main.span(*node.path, "use")
