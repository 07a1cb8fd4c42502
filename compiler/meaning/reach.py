"""What a flow or a job can reach: the entries that belong into its plan, and those that nothing names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..binding.bound import Bound
from ..frozen import Frozen
from ..spec import Agent, Dataset, Human, Job, Model, Resources, Stage, Step, Tool
from ..wires import parameters, references
from .entries import Entry, Namespace

Name = tuple[str, str]
"""(section, name)."""


def reachable(main: Bound, names: Namespace) -> frozenset[Name]:
    """Return (section, name) of every entry that the spec's flow or job uses, directly or through others.

    What is only extended is not among them: its keys are in those that extend it.
    """
    reached: set[Name] = set()
    waiting = list(_roots(main))
    while waiting:
        name = waiting.pop()
        entry = _find(name, names)
        if entry is None or (entry.section, entry.name) in reached:
            continue
        reached.add((entry.section, entry.name))
        waiting.extend(_named_by(entry.value))
    return frozenset(reached)


def _find(name: Name, names: Namespace) -> Entry[Frozen] | None:
    section, word = name
    if section != "use":
        return names.section(section).get(word)
    found = names.callables()
    return found.get(word) or found.get(word.partition(".")[0])


def _roots(main: Bound) -> Iterator[Name]:
    spec = main.spec
    if spec.flow is not None:
        for step in spec.flow.steps.values():
            yield from _named_by_step(step)
        yield from _in_value(spec.flow.outputs)
    if spec.job is not None:
        yield from _named_by_job(spec.job)
    if spec.defaults is not None:
        yield from (("resources", one) for one in _given(spec.defaults.resources))
        yield from _asked(spec.defaults.on_failure)


def _named_by_step(step: Step) -> Iterator[Name]:
    yield from _used(step.use)
    yield from (("use", name) for name in step.calls)
    yield from (("resources", one) for one in _given(step.resources))
    yield from _asked(step.on_failure)
    yield from _in_value(step.with_)
    if step.map is not None:
        yield from _in_value(step.map.over)
    if step.loop is not None:
        yield from _in_value([step.loop.state, step.loop.with_])
        for inner in step.loop.steps.values():
            yield from _named_by_step(inner)


def _named_by_job(job: Job) -> Iterator[Name]:
    yield ("datasets", job.source)
    yield ("datasets", job.sink.to)
    for stage in job.stages:
        yield from _named_by_stage(stage)


def _named_by_stage(stage: Stage) -> Iterator[Name]:
    yield from _used(stage.use)
    yield from (("resources", one) for one in _given(stage.resources))
    yield from _asked(stage.on_failure)
    yield from _in_value(stage.with_)


def _named_by(value: Frozen) -> Iterator[Name]:
    match value:
        case Model():
            yield from (("models", one) for one in _given(value.fallback))
            yield from _in_value([value.use, value.base_url, value.params])
        case Dataset():
            yield from _in_value(value.with_)
        case Resources():
            yield from (("resources", one) for one in _given(value.no_gpu))
        case Tool():
            yield from _named_by_tool(value)
        case Agent():
            yield from (("models", one) for one in _given(value.model))
            yield from (("use", one) for one in (*value.tools, *value.agents))
            yield from _asked(value.on_failure)
        case Human():
            yield from (("use", one) for one in _given(value.notify, value.escalate))
            yield from _in_value(value.default)
        case _:
            pass


def _named_by_tool(tool: Tool) -> Iterator[Name]:
    yield from (("humans", one) for one in _given(tool.approval))
    yield from (("resources", one) for one in _given(tool.resources))
    yield from _asked(tool.on_failure)
    yield from _in_value([tool.with_, tool.mcp.url if tool.mcp else None, list(tool.mcp.command or ()) if tool.mcp else None])


def _given(*values: str | None) -> Iterator[str]:
    yield from (value for value in values if value is not None)


def _used(use: str | None) -> Iterator[Name]:
    if use is not None and ":" not in use:
        yield ("use", use)


def _asked(reactions: Mapping[Any, Any]) -> Iterator[Name]:
    yield from (("humans", one) for reaction in reactions.values() for one in _given(reaction.ask))


def _in_value(value: Any) -> Iterator[Name]:
    """Yield the params and datasets that references and ``${params.x}`` name."""
    for ref in references(value):
        if ref.root in {"params", "datasets"} and ref.path:
            yield (ref.root, str(ref.path[0]))
    yield from (("params", name) for text in texts(value) for name in parameters(text))


def texts(value: Any) -> Iterator[str]:
    """Yield every text inside a spec's value."""
    if isinstance(value, str):
        yield value
    items: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in items:
        yield from texts(item)
