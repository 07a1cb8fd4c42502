"""Generated code runs caged."""

from __future__ import annotations

from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline
from ..types import ScalarType


def code_is_caged(pipeline: Pipeline, findings: Findings) -> None:
    """Report tools that take generated code without a sandbox."""
    for entry in pipeline.names.tools.values():
        signature = pipeline.signatures.callables.get(entry.value.use or "")
        takes = [one.name for one in signature.parameters if one.type == ScalarType(name="code")] if signature is not None else []
        if takes and entry.value.sandbox is None:
            message = f"tools.{entry.name} takes generated code ({takes[0]}: Code) and has no sandbox"
            findings.error("E903", message, entry.place, help="add sandbox: {runtime: monty}, or jail for full Python")
