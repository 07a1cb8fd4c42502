"""Reactions to failures say what can be done: keys that their class knows, ends that a flow has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..binding.bound import Bound
from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline
from ..settings import OnFailure
from ..spec import Step
from ..text.syntax import Path

_OWNERS = {"feedback": "semantic", "rewind": "context"}
"""Keys that one class alone knows."""


def reactions_mean_something(pipeline: Pipeline, findings: Findings) -> None:
    """Report keys that do nothing for their class, and dead letters of steps: a flow has none."""
    entries = (*pipeline.names.tools.values(), *pipeline.names.agents.values())
    files = {one.source.path: one for one in (pipeline.main, *(entry.bound for entry in entries))}
    for bound in files.values():
        for path, reactions in _written(bound):
            _keys(bound, (*path, "on_failure"), reactions, findings)
    for path, step in _steps(pipeline.main):
        _ends(pipeline.main, (*path, "on_failure"), step.on_failure, findings)


def _written(bound: Bound) -> Iterator[tuple[Path, OnFailure]]:
    spec = bound.spec
    if spec.defaults is not None:
        yield ("defaults",), spec.defaults.on_failure
    yield from ((("tools", name), tool.on_failure) for name, tool in spec.tools.items())
    yield from ((("agents", name), agent.on_failure) for name, agent in spec.agents.items())
    yield from ((path, step.on_failure) for path, step in _steps(bound))
    for index, stage in enumerate(spec.job.stages if spec.job is not None else ()):
        yield ("job", "stages", index), stage.on_failure


def _steps(bound: Bound) -> Iterator[tuple[Path, Step]]:
    waiting: list[tuple[Path, Mapping[str, Step]]] = [(("flow", "steps"), bound.spec.flow.steps)] if bound.spec.flow else []
    while waiting:
        path, steps = waiting.pop()
        for name, step in steps.items():
            yield (*path, name), step
            if step.loop is not None:
                waiting.append(((*path, name, "loop", "steps"), step.loop.steps))


def _keys(bound: Bound, path: Path, reactions: OnFailure, findings: Findings) -> None:
    for kind, reaction in reactions.items():
        for key, owner in _OWNERS.items():
            if kind != owner and getattr(reaction, key) is not None:
                message = f"{'.'.join(map(str, path))}.{kind} has no key {key!r}"
                findings.error("E202", message, bound.key_span(*path, kind, key), help=f"{key} is a reaction to {owner} alone; remove it")


def _ends(bound: Bound, path: Path, reactions: OnFailure, findings: Findings) -> None:
    for kind, reaction in reactions.items():
        if reaction.then == "dead_letter":
            message = f"{'.'.join(map(str, path))}.{kind}.then can't be 'dead_letter'; it must be one of fail, skip"
            help_ = "dead letters are a job's; write skip to go on without the step's value, or ask a person"
            findings.error("E205", message, bound.span(*path, kind, "then"), help=help_)
