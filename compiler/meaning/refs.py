"""The names in a spec that Python must be asked about: callables and types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..providers import is_provider
from ..spec import Agent, Dataset, Human, Job, Model, Spec, Step, Tool
from . import typetext


def refs_of(spec: Spec) -> Iterator[str]:
    """Yield every ``module.path:attr`` that a spec names, with repeats."""
    for section in (spec.models, spec.datasets, spec.tools, spec.agents, spec.humans):
        for entry in section.values():
            yield from (text for text in _of_entry(entry) if typetext.is_callable(text))
    if spec.flow is not None:
        yield from _types(spec.flow.inputs)
        yield from _of_steps(spec.flow.steps)
    if spec.job is not None:
        yield from _of_job(spec.job)


def _of_entry(entry: Model | Dataset | Tool | Agent | Human) -> Iterator[str]:
    match entry:
        case Model():
            yield from (use for use in _given(entry.use) if not is_provider(use))
        case Dataset():
            yield from _given(entry.use)
            yield from _types(entry.type)
        case Tool():
            yield from _given(entry.use, entry.reconcile)
        case Agent():
            yield from _given(entry.check)
            yield from _types(entry.input)
            yield from _types(entry.output)
        case Human():
            yield from _types(entry.answer)


def _of_steps(steps: Mapping[str, Step]) -> Iterator[str]:
    for step in steps.values():
        yield from (use for use in _given(step.use) if typetext.is_callable(use))
        if step.loop is not None:
            yield step.loop.next
            yield from _of_steps(step.loop.steps)


def _of_job(job: Job) -> Iterator[str]:
    yield from (stage.use for stage in job.stages if typetext.is_callable(stage.use))


def _given(*texts: str | None) -> Iterator[str]:
    yield from (text for text in texts if text is not None)


def _types(text: str | None) -> Iterator[str]:
    if text is not None:
        yield from typetext.refs(text)
