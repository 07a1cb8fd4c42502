"""Every reference leads somewhere."""

from __future__ import annotations

from ..diagnostics import Findings, did_you_mean
from ..meaning.pipeline import Pipeline
from ..meaning.resolve import roots
from . import visible
from .values import references_lead_somewhere


def references_are_known(pipeline: Pipeline, findings: Findings) -> None:
    """Report references that can't be read, name nothing, or follow fields that aren't there."""
    for place in visible.values(pipeline):
        for misfit in references_lead_somewhere(place.value, place.visible):
            place.report(misfit, findings)
    _after(pipeline, findings)
    _secrets(pipeline, findings)


def _after(pipeline: Pipeline, findings: Findings) -> None:
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        known = {name for name in visible.of_step(pipeline, node).types if name not in roots()} - {"inputs", "state", "round"}
        for index, name in enumerate(node.step.after):
            if name not in known:
                place = pipeline.main.span(*node.path, "after", index)
                help_ = did_you_mean(name, known | _steps(pipeline) - {node.name})
                findings.error("E305", f"there is no step {name} to wait for", place, help=help_)


def _steps(pipeline: Pipeline) -> set[str]:
    return {one.name for one in pipeline.flow.steps} if pipeline.flow is not None else set()


def _secrets(pipeline: Pipeline, findings: Findings) -> None:
    known = {name for bound in (pipeline.main, *pipeline.libraries) for name in bound.spec.secrets}
    for entry in pipeline.names.models.values():
        secret = entry.value.secret
        if secret is not None and secret not in known:
            help_ = did_you_mean(secret, known) or f"add it: secrets: [{secret}]"
            findings.error("E301", f"there is no secret {secret!r}", entry.span("secret"), help=help_)
