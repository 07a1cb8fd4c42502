"""The policy's permissions: models, hosts, sandboxes, effects."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline
from ..permits import host_of, host_permitted, model_permitted
from ..source import Span
from ..wires import is_reference, parameters
from .ceilings import note


def permissions_hold(pipeline: Pipeline, findings: Findings) -> None:
    """Report models, hosts, sandbox runtimes and effects that the policy doesn't allow."""
    _models(pipeline, findings)
    _hosts(pipeline, findings)
    _sandboxes(pipeline, findings)
    _effects(pipeline, findings)


def _models(pipeline: Pipeline, findings: Findings) -> None:
    allowed = pipeline.policy.policy.models
    for entry in pipeline.names.models.values() if allowed is not None else ():
        use = entry.value.use
        if use is not None and not _is_open(use) and not model_permitted(allowed, entry.name, use):
            message = f"{use} is not among policy.models {', '.join(allowed or ()) or '(none)'}"
            findings.error("E505", message, entry.span("use"), notes=note(pipeline, "models"))


def _hosts(pipeline: Pipeline, findings: Findings) -> None:
    allowed = pipeline.policy.policy.egress
    for wanted, place in _wanted_hosts(pipeline) if allowed is not None else ():
        if not _is_open(wanted) and not host_permitted(allowed, wanted):
            message = f"{host_of(wanted)} is not among policy.egress {', '.join(allowed or ()) or '(none)'}"
            findings.error("E506", message, place, notes=note(pipeline, "egress"))


def _is_open(text: str) -> bool:
    """Return whether a parameter decides: then the policy is held when a run begins."""
    return is_reference(text) or bool(parameters(text))


def _wanted_hosts(pipeline: Pipeline) -> Iterator[tuple[str, Span]]:
    for model in pipeline.names.models.values():
        if model.value.base_url is not None:
            yield model.value.base_url, model.span("base_url")
    for tool in pipeline.names.tools.values():
        for index, host in enumerate(tool.value.egress):
            yield host, tool.span("egress", index)
        if tool.value.mcp is not None and tool.value.mcp.url is not None:
            yield tool.value.mcp.url, tool.span("mcp", "url")
        network = tool.value.sandbox.network if tool.value.sandbox is not None else "none"
        for index, host in enumerate(network if isinstance(network, tuple) else ()):
            yield host, tool.span("sandbox", "network", index)


def _sandboxes(pipeline: Pipeline, findings: Findings) -> None:
    allowed = pipeline.policy.policy.sandbox
    for entry in pipeline.names.tools.values() if allowed is not None else ():
        sandbox = entry.value.sandbox
        if sandbox is not None and sandbox.runtime not in (allowed or ()):
            message = f"{sandbox.runtime} is not among policy.sandbox {', '.join(allowed or ()) or '(none)'}"
            findings.error("E507", message, entry.span("sandbox", "runtime"), notes=note(pipeline, "sandbox"))


def _effects(pipeline: Pipeline, findings: Findings) -> None:
    forbidden = pipeline.policy.policy.forbid_effects or ()
    for entry in pipeline.names.tools.values():
        tool = entry.value
        if tool.effects in forbidden:
            message = f"the effect {tool.effects} is forbidden by policy.forbid_effects"
            findings.error("E508", message, entry.span("effects"), notes=note(pipeline, "forbid_effects"))
        for name, effects in tool.mcp.effects.items() if tool.mcp is not None else ():
            if effects in forbidden:
                message = f"the effect {effects} is forbidden by policy.forbid_effects"
                findings.error("E508", message, entry.span("mcp", "effects", name), notes=note(pipeline, "forbid_effects"))
