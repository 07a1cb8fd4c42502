"""Defaults laid into what a file writes: they fill what is left open, and reactions merge beneath."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..frozen import Frozen
from ..settings import OnFailure, merge_reactions
from ..spec import Agent, Defaults, Stage, Step, Tool
from .entries import Entry
from .typetext import is_callable


def lay_defaults(entry: Entry[Frozen]) -> Entry[Frozen]:
    """Return a tool or an agent with its own file's defaults laid in; other entries as they are."""
    defaults, value = entry.bound.spec.defaults, entry.value
    if defaults is None:
        return entry
    match value:
        case Tool():
            return _lay(entry, _for_tool(value, defaults))
        case Agent():
            return _lay(entry, _for_agent(value, defaults))
        case _:
            return entry


def _for_agent(agent: Agent, defaults: Defaults) -> dict[str, Any]:
    cache = defaults.cache if agent.history == "call" else None  # no call of one that remembers equals another
    return {"model": defaults.model, "cache": cache, **_reactions(agent.on_failure, defaults)}


def _for_tool(tool: Tool, defaults: Defaults) -> dict[str, Any]:
    cache = defaults.cache if tool.effects != "write" else None
    return {"timeout": defaults.timeout, "resources": defaults.resources, "cache": cache, **_reactions(tool.on_failure, defaults)}


def _reactions(own: OnFailure, defaults: Defaults) -> dict[str, Any]:
    return {"on_failure": merge_reactions(defaults.on_failure, own)} if defaults.on_failure else {}


def _lay(entry: Entry[Frozen], filling: Mapping[str, Any]) -> Entry[Frozen]:
    open_ = {key: value for key, value in filling.items() if value is not None and (key == "on_failure" or _is_open(entry.value, key))}
    origins = {key: (entry.bound, ("defaults",)) for key in open_ if key not in entry.origins}
    return replace(entry, value=entry.value.model_copy(update=open_), origins={**entry.origins, **origins})


def _is_open(value: Frozen, key: str) -> bool:
    return getattr(value, key) is None


def step_with_defaults(step: Step, defaults: Defaults | None) -> Step:
    """Return a step that runs a callable with defaults laid in; what tools, agents and humans get is in their own entries."""
    if defaults is None or step.use is None or not is_callable(step.use):
        return step
    filling: dict[str, Any] = _reactions(step.on_failure, defaults)
    if not step.conducts:
        filling |= {key: getattr(defaults, key) for key in ("timeout", "resources", "cache") if _is_open(step, key)}
    return step.model_copy(update={key: value for key, value in filling.items() if value is not None})


def stage_with_defaults(stage: Stage, defaults: Defaults | None) -> Stage:
    """Return a stage with defaults laid in; an agent brings its own reactions."""
    if defaults is None:
        return stage
    filling: dict[str, Any] = _reactions(stage.on_failure, defaults) if is_callable(stage.use) else {}
    filling |= {"resources": defaults.resources} if stage.resources is None else {}
    return stage.model_copy(update={key: value for key, value in filling.items() if value is not None})
