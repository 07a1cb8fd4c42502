"""Prompts: they can be read, and every variable and field that they name is there."""

from __future__ import annotations

from ..diagnostics import Findings, Label
from ..frozen import Frozen
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline, Prompt
from ..meaning.prompts import Flaw
from ..source import Span


def prompts_fit(pipeline: Pipeline, findings: Findings) -> None:
    """Report templates that can't be read, and names that the agent's input doesn't have."""
    for prompt in pipeline.prompts.values():
        entry = pipeline.names.section(prompt.section)[prompt.name]
        for flaw in prompt.reading.flaws:
            place = _place(pipeline, entry, prompt, flaw)
            labels = [Label(entry.span("input"), "the input")] if flaw.code in {"E803", "E804"} and prompt.section == "agents" else []
            findings.error(flaw.code, flaw.message, place, labels=labels, help=flaw.help)


def _place(pipeline: Pipeline, entry: Entry[Frozen], prompt: Prompt, flaw: Flaw) -> Span:
    if prompt.file is not None and prompt.file in pipeline.files:
        return pipeline.files[prompt.file].span(flaw.start, flaw.end)
    key = "prompt" if prompt.section == "agents" else "ask"
    bound, path = entry.origins[key]
    inside = bound.inside(*path, key)
    return inside.span(flaw.start, flaw.end) if inside is not None else entry.span(key)
