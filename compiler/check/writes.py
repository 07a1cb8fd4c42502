"""Writes: never cached, and never repeated unless they can be."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Findings, Label
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline
from ..settings import Cache, FailureClass, OnFailure
from ..source import Span
from ..spec import Tool

_RETRIED: tuple[FailureClass, ...] = ("network", "crashed", "error", "throttled", "semantic")


def writes_are_careful(pipeline: Pipeline, findings: Findings) -> None:
    """Report caches over what can write, and retries of writes that are not idempotent."""
    for entry in pipeline.names.tools.values():
        if entry.value.effects == "write":
            _cached_write(entry, findings)
            _retried_write(entry, entry.value.on_failure, findings)
    _steps(pipeline, findings)
    for agent in pipeline.names.agents.values():
        cache: Cache | None = agent.value.cache
        for tool in _writes(pipeline, agent.name, set()) if cache is not None and cache.scope in {"user", "shared"} else ():
            labels = [Label(tool, "this writes")]
            help_ = "cache: run keeps results within a run; across runs only what reaches nothing but pure and read is kept"
            findings.error(
                "E904",
                f"agents.{agent.name} can write, and its results are cached across runs",
                agent.span("cache"),
                labels=labels,
                help=help_,
            )


def _steps(pipeline: Pipeline, findings: Findings) -> None:
    """A step's cache lies over everything that it runs or calls."""
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        cache = node.step.cache
        if cache is None or cache.scope == "off":
            continue
        direct = [node.step.use] if node.callee is not None and node.callee.kind == "tool" else []
        called = [name for name in (node.step.use, *node.step.calls) if name is not None and cache.scope in {"user", "shared"}]
        places = dict.fromkeys(place for name in (*direct, *called) for place in _reached_writes(pipeline, str(name)))
        for place in places:
            message = f"the step {node.name} can write, and a cache would swallow the second write"
            labels = [Label(place, "this writes")]
            at = pipeline.main.span(*node.path, "cache")
            findings.error("E904", message, at, labels=labels, help="leave cache out: each write is recorded once anyway")


def _reached_writes(pipeline: Pipeline, name: str) -> Iterator[Span]:
    tool = pipeline.names.tools.get(name.partition(".")[0])
    if tool is not None and (tool.value.effects == "write" or _mcp_writes(tool.value, name)):
        yield tool.place
    yield from _writes(pipeline, name, set())


def _cached_write(entry: Entry[Tool], findings: Findings) -> None:
    if entry.value.cache is not None and entry.value.cache.scope != "off":
        message = f"tools.{entry.name} writes, and a cache would swallow the second write"
        findings.error("E904", message, entry.span("cache"), help="leave cache out: each write is recorded once anyway")


def _retried_write(entry: Entry[Tool], reactions: OnFailure, findings: Findings) -> None:
    if entry.value.idempotent or entry.value.reconcile is not None or "on_failure" not in entry.origins:
        return
    for kind in _RETRIED:
        reaction = reactions.get(kind)
        own = entry.origins["on_failure"][1] != ("defaults",)
        if own and reaction is not None and (reaction.attempts or 1) > 1:
            help_ = "declare idempotent: true where the tool uses its idempotency_key, or reconcile: CALLABLE, or leave attempts out"
            place = entry.span("on_failure", kind, "attempts")
            findings.error("E906", f"tools.{entry.name} writes, and would be repeated after {kind}", place, help=help_)


def _writes(pipeline: Pipeline, agent: str, seen: set[str]) -> Iterator[Span]:
    """Yield the places of writing tools that an agent can reach."""
    entry = pipeline.names.agents.get(agent)
    if entry is None or agent in seen:
        return
    seen.add(agent)
    for name in entry.value.tools:
        yield from _reached_writes(pipeline, name)
    for name in entry.value.agents:
        yield from _writes(pipeline, name, seen)


def _mcp_writes(tool: Tool, name: str) -> bool:
    if tool.mcp is None:
        return False
    one = name.partition(".")[2]
    return "write" in (tool.mcp.effects.values() if not one else [tool.mcp.effects.get(one)])
