"""The policy's permissions: models, hosts, sandboxes, effects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ..diagnostics import Findings
from ..meaning.pipeline import Pipeline
from ..source import Span
from .ceilings import note

_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/]*@)?(?P<host>\[[^\]]*\]|[^/:?#]+)(?::(?P<port>\d+))?(?P<path>/[^?#]*)?", re.IGNORECASE
)


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
        if use is not None and not any(fnmatchcase(use, one) or one == entry.name for one in allowed or ()):
            message = f"{use} is not among policy.models {', '.join(allowed or ()) or '(none)'}"
            findings.error("E505", message, entry.span("use"), notes=note(pipeline, "models"))


def _hosts(pipeline: Pipeline, findings: Findings) -> None:
    allowed = pipeline.policy.policy.egress
    for wanted, place in _wanted_hosts(pipeline) if allowed is not None else ():
        if "${" not in wanted and not any(covers(one, wanted) for one in allowed or ()):
            message = f"{_shown(wanted)} is not among policy.egress {', '.join(allowed or ()) or '(none)'}"
            findings.error("E506", message, place, notes=note(pipeline, "egress"))


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


def _shown(wanted: str) -> str:
    found = _HOST.match(wanted)
    return found["host"] if found is not None else wanted


def covers(rule: str, wanted: str) -> bool:
    """Return whether a rule (a host, ``*.host``, with an optional port and path) allows a host or URL."""
    allowed, asked = _HOST.match(rule), _HOST.match(wanted)
    if allowed is None or asked is None:
        return False
    host = fnmatchcase(asked["host"].lower(), allowed["host"].lower())
    port = allowed["port"] is None or allowed["port"] == asked["port"]
    path = (allowed["path"] or "/").rstrip("/")
    asked_path = asked["path"] or "/"
    return host and port and (not path or asked_path == path or asked_path.startswith(f"{path}/"))


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
