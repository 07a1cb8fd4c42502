"""Tiers: calls go to the right only."""

from __future__ import annotations

from ..diagnostics import Findings, did_you_mean
from ..meaning.pipeline import Pipeline
from .ceilings import note


def calls_go_right(pipeline: Pipeline, findings: Findings) -> None:
    """Report tiers that the policy doesn't have, and agents that call an agent of their own tier or of one to the left."""
    tiers = pipeline.policy.policy.tiers
    for entry in pipeline.names.agents.values():
        tier = entry.value.tier
        if tier is None:
            continue
        if tier not in (tiers or ()):
            help_ = did_you_mean(tier, tiers or ()) or "name it in policy.tiers"
            findings.error("E510", f"there is no tier {tier}", entry.span("tier"), help=help_, notes=note(pipeline, "tiers"))
            continue
        for index, name in enumerate(entry.value.agents):
            other = pipeline.names.agents.get(name)
            called = other.value.tier if other is not None else None
            if tiers is not None and called in tiers and tiers.index(called) <= tiers.index(tier):
                message = f"{entry.name} ({tier}) calls {name} ({called}): calls go to the right only"
                findings.error("E510", message, entry.span("agents", index), notes=note(pipeline, "tiers"))
