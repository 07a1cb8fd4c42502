"""Every name that is used is defined."""

from __future__ import annotations

from ..diagnostics import Findings, closest, did_you_mean
from ..meaning.pipeline import Pipeline
from ..meaning.typetext import is_callable
from ..providers import PROVIDERS, is_provider
from . import mentions


def names_are_known(pipeline: Pipeline, findings: Findings) -> None:
    """Report names that no entry has."""
    for one in mentions.names(pipeline):
        known = known_names(pipeline, one.section)
        if one.name in known:
            continue
        others = known - {one.holder}
        findings.error("E301", f"there is no {_WORDS[one.section]} {one.name!r}", one.span, help=_help(pipeline, one, others))
    _providers(pipeline, findings)


def _providers(pipeline: Pipeline, findings: Findings) -> None:
    """Report models of providers that nobody knows; what is written like a callable is looked for in Python."""
    for entry in pipeline.names.models.values():
        use = entry.value.use
        if use is None or "$" in use or is_provider(use) or is_callable(use):
            continue
        provider, colon, _ = use.partition(":")
        help_ = (closest(provider, PROVIDERS) if colon else None) or "a provider stands before a colon, like openai:gpt-5-mini"
        findings.error(
            "E301", f"there is no provider {provider!r}" if colon else f"{use!r} names no provider", entry.span("use"), help=help_
        )


_WORDS = {
    "models": "model",
    "datasets": "dataset",
    "resources": "resource class",
    "tools": "tool",
    "agents": "agent",
    "humans": "human",
    "use": "tool, agent or human",
}


def known_names(pipeline: Pipeline, section: mentions.Section) -> set[str]:
    """Return the names that can be meant where a section's entry is mentioned."""
    if section == "use":
        return set(pipeline.callees)
    if section == "tools":
        servers = {name for name, entry in pipeline.names.tools.items() if entry.value.mcp is not None}
        return {name for name, callee in pipeline.callees.items() if callee.kind == "tool"} | servers
    return set(pipeline.names.section(section))


def _help(pipeline: Pipeline, one: mentions.NameMention, known: set[str]) -> str | None:
    entry = pipeline.names.tools.get(one.name)
    if entry is not None and entry.value.mcp is not None:
        return f"name one of its tools: {', '.join(f'{one.name}.{tool}' for tool in entry.value.mcp.tools) or 'list them under mcp.tools'}"
    elsewhere = pipeline.names.callables().get(one.name)
    if elsewhere is not None:
        return f"{one.name} is one of the {elsewhere.section}"
    if one.section == "use" and "." in one.name:
        return f"a callable is written module.path:attr, like {one.name.rpartition('.')[0]}:{one.name.rpartition('.')[2]}"
    return did_you_mean(one.name, known) or f"add it under {one.section if one.section != 'use' else 'tools, agents or humans'}"
