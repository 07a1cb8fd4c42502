"""Caches over agents that remember the whole run: they would never be used."""

from __future__ import annotations

from ..diagnostics import Findings, Label
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline
from ..settings import Cache
from ..source import Span
from ..spec import Agent

HELP = "leave cache out: what it answers depends on all that was said; or leave history: run out, so that each call starts empty"


def what_remembers_is_not_cached(pipeline: Pipeline, findings: Findings) -> None:
    """Report caches of agents with ``history: run``, and of steps that run one."""
    for entry in pipeline.names.agents.values():
        cache: Cache | None = entry.value.cache
        if _remembers(entry) and cache is not None and cache.scope != "off":
            _report(findings, entry, f"agents.{entry.name}", entry.span("cache"))
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        used = pipeline.names.agents.get(node.step.use or "")
        if used is not None and _remembers(used) and node.step.cache is not None and node.step.cache.scope != "off":
            _report(findings, used, f"the step {node.name} runs {used.name}, which", pipeline.main.span(*node.path, "cache"))


def _remembers(entry: Entry[Agent]) -> bool:
    return entry.value.history == "run"


def _report(findings: Findings, entry: Entry[Agent], what: str, place: Span) -> None:
    message = f"{what} remembers the whole run, so none of its calls equals another one, and a cache would serve nothing"
    findings.error("E909", message, place, labels=[Label(entry.span("history"), "remembers")], help=HELP)
