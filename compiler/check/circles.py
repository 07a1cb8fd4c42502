"""What falls back on something else ends somewhere."""

from __future__ import annotations

from collections.abc import Mapping

from ..diagnostics import Findings
from ..frozen import Frozen
from ..meaning.entries import Entry
from ..meaning.order import circle, topological
from ..meaning.pipeline import Pipeline

_KEYS = {"models": "fallback", "resources": "no_gpu", "humans": "escalate"}


def chains_end(pipeline: Pipeline, findings: Findings) -> None:
    """Report fallbacks, resource classes, people and agents that lead back to themselves."""
    for section, key in _KEYS.items():
        entries = pipeline.names.section(section)
        _look(entries, {name: [value] if (value := getattr(entry.value, key)) else [] for name, entry in entries.items()}, key, findings)
    agents = pipeline.names.agents
    _look(agents, {name: list(entry.value.agents) for name, entry in agents.items()}, "agents", findings)


def _look(entries: Mapping[str, Entry[Frozen]], leads: Mapping[str, list[str]], key: str, findings: Findings) -> None:
    _, stuck = topological(leads)
    caught = [name for name in stuck if any(other in stuck for other in leads[name])]
    if caught:
        names = circle(leads, caught)
        message = f"{' → '.join(names)}: {key} leads in a circle"
        findings.error("E306", message, entries[names[0]].span(key), help="let one of them stand alone")
