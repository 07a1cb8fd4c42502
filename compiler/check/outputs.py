"""Outputs: there is always something to give, and ``first`` stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline
from ..wires import is_reference, parse_reference


def outputs_are_given(pipeline: Pipeline, findings: Findings) -> None:
    """Report a bare output that may be skipped, and outputs that are no references."""
    flow, main = pipeline.main.spec.flow, pipeline.main
    if flow is None:
        return
    outputs = flow.outputs
    if isinstance(outputs, Mapping) and "first" in outputs and isinstance(outputs["first"], list | tuple):
        _first(pipeline, outputs, findings)
        return
    named = outputs if isinstance(outputs, Mapping) else None
    for key, value in named.items() if named is not None else [(None, outputs)]:
        if not is_reference(value):
            place = main.span("flow", "outputs", *([key] if key is not None else []))
            help_ = "write $step, {name: $step}, or {first: [$step, $other]}"
            findings.error("E605", "an output is a reference", place, help=help_)
        elif named is None:
            _bare(pipeline, str(value), findings)


def _first(pipeline: Pipeline, outputs: Mapping[str, Any], findings: Findings) -> None:
    if len(outputs) > 1:
        other = next(key for key in outputs if key != "first")
        place = pipeline.main.key_span("flow", "outputs", other)
        findings.error("E605", "first stands alone", place, help="write {name: $step} for several outputs, or {first: […]} for one")
    for index, value in enumerate(outputs["first"]):
        if not is_reference(value):
            findings.error("E605", "an output is a reference", pipeline.main.span("flow", "outputs", "first", index), help="write $step")


def _bare(pipeline: Pipeline, value: str, findings: Findings) -> None:
    ref = parse_reference(value)
    step = pipeline.flow.step(ref.root) if pipeline.flow is not None and ref is not None else None
    if step is not None and step.skippable:
        help_ = f"write {{first: [{value}, …]}} with what is given instead, or {{{step.name}: {value}}}, where a skipped step gives null"
        findings.error(
            "E605", f"{step.name} may be skipped, and then there is no output", pipeline.main.span("flow", "outputs"), help=help_
        )
