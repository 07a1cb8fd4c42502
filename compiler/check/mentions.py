"""Where a spec mentions what is defined elsewhere: entries by name, Python by ``module.path:attr``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..binding.bound import Bound
from ..frozen import Frozen
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline, StepNode
from ..meaning.typetext import innermost, is_callable
from ..providers import is_provider
from ..source import Span
from ..text.syntax import Path

Section = Literal["models", "datasets", "resources", "tools", "agents", "humans", "use"]
"""Where a name is looked up; ``use`` is the namespace that tools, agents and humans share."""
Role = Literal["function", "type", "next", "check", "connector"]


@dataclass(frozen=True, slots=True)
class NameMention:
    """An entry's name, written where something else uses it."""

    section: Section
    name: str
    span: Span
    holder: str = ""
    """The entry that mentions it, where it is of the same section: it can't mean itself."""


@dataclass(frozen=True, slots=True)
class PythonMention:
    """A ``module.path:attr``, written where it is used as a function, as a type, or as what gives a connector."""

    ref: str
    span: Span
    role: Role


_SINGLE: dict[str, tuple[tuple[str, Section], ...]] = {
    "models": (("fallback", "models"),),
    "resources": (("no_gpu", "resources"),),
    "tools": (("approval", "humans"), ("resources", "resources")),
    "agents": (("model", "models"),),
    "humans": (("notify", "tools"), ("escalate", "humans")),
}
_LISTS: dict[str, tuple[tuple[str, Section], ...]] = {"agents": (("tools", "tools"), ("agents", "agents"))}


def steps(pipeline: Pipeline) -> Iterator[StepNode]:
    """Yield every step of the flow, those inside of loops too."""
    if pipeline.flow is not None:
        yield from pipeline.flow.all_steps()


def names(pipeline: Pipeline) -> Iterator[NameMention]:
    """Yield every mention of an entry."""
    for entry in pipeline.names.all():
        yield from _in_entry(entry)
    for bound in (pipeline.main, *pipeline.libraries):
        yield from _in_defaults(bound)
    for node in steps(pipeline):
        yield from _in_step(pipeline.main, node)
    yield from _in_job(pipeline)


def _in_entry(entry: Entry[Frozen]) -> Iterator[NameMention]:
    for key, section in _SINGLE.get(entry.section, ()):
        name: str | None = getattr(entry.value, key)
        if name is not None:
            yield NameMention(section, name, entry.span(key), entry.name if section == entry.section else "")
    for key, section in _LISTS.get(entry.section, ()):
        for index, listed in enumerate(getattr(entry.value, key)):
            yield NameMention(section, listed, entry.span(key, index), entry.name if section == entry.section else "")
    for kind, reaction in getattr(entry.value, "on_failure", {}).items():
        if reaction.ask is not None:
            yield NameMention("humans", reaction.ask, entry.span("on_failure", kind, "ask"))


def _in_defaults(bound: Bound) -> Iterator[NameMention]:
    defaults = bound.spec.defaults
    if defaults is None:
        return
    for key, section in (("resources", "resources"), ("model", "models")):
        name: str | None = getattr(defaults, key)
        if name is not None:
            yield NameMention("resources" if section == "resources" else "models", name, bound.span("defaults", key))
    for kind, reaction in defaults.on_failure.items():
        if reaction.ask is not None:
            yield NameMention("humans", reaction.ask, bound.span("defaults", "on_failure", kind, "ask"))


def _in_step(bound: Bound, node: StepNode) -> Iterator[NameMention]:
    yield from _in_use(bound, node.path, node.step)
    for index, name in enumerate(node.step.calls):
        yield NameMention("use", name, bound.span(*node.path, "calls", index))


def _in_use(bound: Bound, path: Path, value: Frozen) -> Iterator[NameMention]:
    """Yield what a step and a stage have in common."""
    use: str | None = getattr(value, "use", None)
    resources: str | None = getattr(value, "resources", None)
    if use is not None and ":" not in use:
        yield NameMention("use", use, bound.span(*path, "use"))
    if resources is not None:
        yield NameMention("resources", resources, bound.span(*path, "resources"))
    for kind, reaction in getattr(value, "on_failure", {}).items():
        if reaction.ask is not None:
            yield NameMention("humans", reaction.ask, bound.span(*path, "on_failure", kind, "ask"))


def _in_job(pipeline: Pipeline) -> Iterator[NameMention]:
    job, bound = pipeline.main.spec.job, pipeline.main
    if job is None:
        return
    yield NameMention("datasets", job.source, bound.span("job", "source"))
    for node in pipeline.stages:
        yield from _in_use(bound, node.path, node.stage)
    yield NameMention("datasets", job.sink.to, bound.span("job", "sink", "to"))


def python(pipeline: Pipeline) -> Iterator[PythonMention]:
    """Yield every mention of something in Python, in the order of writing within a section."""
    for entry in pipeline.names.all():
        yield from _python_in_entry(entry)
    bound = pipeline.main
    if bound.spec.flow is not None:
        yield from _type(bound, ("flow", "inputs"), bound.spec.flow.inputs)
    for node in steps(pipeline):
        if node.step.use is not None and ":" in node.step.use:
            yield PythonMention(node.step.use, bound.span(*node.path, "use"), "function")
        if node.step.loop is not None:
            yield PythonMention(node.step.loop.next, bound.span(*node.path, "loop", "next"), "next")
    for stage in pipeline.stages:
        if ":" in stage.stage.use:
            yield PythonMention(stage.stage.use, bound.span(*stage.path, "use"), "function")


def _python_in_entry(entry: Entry[Frozen]) -> Iterator[PythonMention]:
    for key in ("use", "reconcile", "check"):
        text: str | None = getattr(entry.value, key, None)
        known = entry.section == "models" and text is not None and is_provider(text)
        if text is not None and ":" in text and not known:
            yield PythonMention(text, entry.span(key), _role(entry.section, key))
    for key in ("type", "input", "output", "answer"):
        bound, path = entry.origins.get(key, (entry.bound, entry.path))
        if entry.section != "params":
            yield from _type(bound, (*path, key), getattr(entry.value, key, None))


def _role(section: str, key: str) -> Role:
    if section == "datasets":
        return "connector"
    return "check" if key == "check" else "function"


def _type(bound: Bound, path: Path, text: str | None) -> Iterator[PythonMention]:
    if text is None:
        return
    inner, start = innermost(text)
    if is_callable(inner):
        inside = bound.inside(*path)
        yield PythonMention(inner, inside.span(start, start + len(inner)) if inside else bound.span(*path), "type")
