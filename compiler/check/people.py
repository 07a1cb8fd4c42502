"""A job asks nobody while it runs."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Findings, Label
from ..meaning.pipeline import Pipeline
from ..settings import OnFailure
from ..source import Span

_HELP = "a job never waits for a person: let it fail or dead-letter, and look at the dead letters afterwards"


def jobs_ask_nobody(pipeline: Pipeline, findings: Findings) -> None:
    """Report stages that can reach a person: through a reaction, or a tool that wants approval."""
    for node in pipeline.stages:
        place = pipeline.main.span(*node.path, "use")
        for kind in _asking(node.stage.on_failure):
            at = pipeline.main.span(*node.path, "on_failure", kind, "ask")
            findings.error("E706", f"the stage {node.stage.name} can reach a person", at, help=_HELP)
        for what, where in _reached(pipeline, node.stage.use, set()):
            labels = [Label(where, what)]
            findings.error("E706", f"the stage {node.stage.name} can reach a person", place, labels=labels, help=_HELP)


def _asking(reactions: OnFailure) -> Iterator[str]:
    yield from (kind for kind, reaction in reactions.items() if reaction.ask is not None)


def _reached(pipeline: Pipeline, name: str, seen: set[str]) -> Iterator[tuple[str, Span]]:
    """Yield (what, where) for every way to a person from an agent or a tool."""
    if name in seen:
        return
    seen.add(name)
    agent, tool = pipeline.names.agents.get(name), pipeline.names.tools.get(name.partition(".")[0])
    if tool is not None and tool.value.approval is not None:
        yield "it wants approval", tool.span("approval")
    for entry in (agent, tool):
        for kind in _asking(entry.value.on_failure) if entry is not None else ():
            yield "it asks", entry.span("on_failure", kind, "ask") if entry is not None else pipeline.main.span()
    if agent is not None:
        for other in (*agent.value.tools, *agent.value.agents):
            yield from _reached(pipeline, other, seen)
