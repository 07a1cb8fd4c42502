"""An agent's ``check`` takes its answer, or its input and its answer."""

from __future__ import annotations

from ..diagnostics import Findings
from ..meaning.assign import fits
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline
from ..spec import Agent
from ..types import describe

_SHAPE = "a check is answer -> bool, or (input, answer) -> bool; False, a text or a ValueError refuses the answer"


def checks_can_judge(pipeline: Pipeline, findings: Findings) -> None:
    """Report checks that can't be given what the agent answers."""
    for entry in pipeline.names.agents.values():
        if entry.value.check is not None:
            _check(pipeline, entry, entry.value.check, findings)


def _check(pipeline: Pipeline, entry: Entry[Agent], check: str, findings: Findings) -> None:
    signature, callee = pipeline.signatures.callables.get(check), pipeline.callees[entry.name]
    if signature is None or signature.problem is not None or signature.shape != "function":
        return
    taken = signature.parameters
    if len(taken) not in {1, 2}:
        findings.error("E410", f"{check} takes {len(taken)} values", entry.span("check"), help=_SHAPE)
        return
    given = (callee.output,) if len(taken) == 1 else (callee.whole or callee.output, callee.output)
    for parameter, type_ in zip(taken, given, strict=True):
        why = fits(type_, parameter.type, pipeline.records)
        if why is not None:
            message = f"{parameter.name} of {check} is given {describe(type_)}: {why}"
            findings.error("E410", message, entry.span("check"), help=_SHAPE)
