"""Types are written in the language's few words."""

from __future__ import annotations

from ..diagnostics import Findings, did_you_mean
from ..meaning.pipeline import Pipeline
from ..meaning.typetext import BUILT_IN, innermost, is_well_formed
from ..source import Span

_HELP = "a type is str, int, float, bool, module.path:Name, or list[TYPE]; anything else is a Python type with a name"


def types_are_written_well(pipeline: Pipeline, findings: Findings) -> None:
    """Report types, and connectors and models by callable, that are not of the language."""
    for entry in pipeline.names.all():
        for key in ("type", "input", "output", "answer"):
            text = getattr(entry.value, key, None)
            if text is not None and entry.section != "params":
                _look(text, entry.span(key), findings)
    flow = pipeline.main.spec.flow
    if flow is not None and flow.inputs is not None:
        _look(flow.inputs, pipeline.main.span("flow", "inputs"), findings)


def _look(text: str, place: Span, findings: Findings) -> None:
    if not is_well_formed(text):
        inner, _ = innermost(text)
        findings.error(
            "E408", f"{text} is no type", place, help=did_you_mean(inner, BUILT_IN) if ":" not in inner and len(inner) > 1 else _HELP
        )
