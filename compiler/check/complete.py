"""Every entry says what it must, its own keys and those that it extends taken together."""

from __future__ import annotations

from ..diagnostics import Findings
from ..frozen import Frozen
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline

_NEEDED = {
    "models": (("use", 'use: "openai:gpt-5-mini"'),),
    "agents": (
        ("model", "model: NAME, or defaults.model"),
        ("prompt", "prompt: prompts/NAME.j2, or the text"),
        ("input", "input: module:Type"),
        ("output", "output: module:Type"),
    ),
}


def entries_are_complete(pipeline: Pipeline, findings: Findings) -> None:
    """Report entries that lack a key, and tools that don't say what they do."""
    for section, needed in _NEEDED.items():
        for entry in pipeline.names.section(section).values():
            for key, example in needed:
                if getattr(entry.value, key) is None and not _is_pattern(pipeline, entry):
                    findings.error("E312", f"{section}.{entry.name} has no {key}", entry.place, help=f"add {example}")
    for tool in pipeline.names.tools.values():
        _tool(pipeline, tool, findings)


def _is_pattern(pipeline: Pipeline, entry: Entry[Frozen]) -> bool:
    """Return whether an entry is only there to be extended."""
    extended = any(entry.name in other.extends for other in pipeline.names.section(entry.section).values())
    return extended and not _is_used(pipeline, entry)


def _is_used(pipeline: Pipeline, entry: Entry[Frozen]) -> bool:
    uses = {node.step.use for node in (pipeline.flow.all_steps() if pipeline.flow else ())}
    uses |= {node.stage.use for node in pipeline.stages}
    agents = pipeline.names.agents.values()
    named = {name for agent in agents for name in (*agent.value.tools, *agent.value.agents, agent.value.model)}
    calls = {name for node in (pipeline.flow.all_steps() if pipeline.flow else ()) for name in node.step.calls}
    fallbacks = {model.value.fallback for model in pipeline.names.models.values()}
    return entry.name in uses | named | calls | fallbacks


def _tool(pipeline: Pipeline, entry: Entry[Frozen], findings: Findings) -> None:
    tool = pipeline.names.tools[entry.name].value
    if _is_pattern(pipeline, entry):
        return
    if (tool.use is None) == (tool.mcp is None):
        what = "neither use nor mcp" if tool.use is None else "both use and mcp"
        findings.error(
            "E312", f"tools.{entry.name} has {what}", entry.place, help="a tool is a callable (use), or the tools of a server (mcp)"
        )
    elif tool.mcp is None and tool.effects is None:
        help_ = "an undeclared effect is an error: add effects: pure, read or write"
        findings.error("E902", f"tools.{entry.name} doesn't say what it does to the world", entry.place, help=help_)
    elif tool.mcp is not None and tool.effects is None:
        for name in tool.mcp.tools:
            if name not in tool.mcp.effects:
                help_ = f"add it to mcp.effects, like {{{name}: read}}, or give effects for all of them"
                findings.error("E902", f"{entry.name}.{name} doesn't say what it does to the world", entry.span("mcp"), help=help_)
