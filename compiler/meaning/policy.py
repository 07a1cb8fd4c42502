"""Policies combined: of several files' maxima the tightest wins, and each keeps its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..binding.bound import Bound
from ..diagnostics import Findings, Label
from ..source import Span
from ..spec import Policy

_ALLOWED = ("gpu_types", "models", "egress", "sandbox")
_MAXIMA = ("max_memory", "max_gpus", "max_cost", "retention")


@dataclass(frozen=True)
class PolicyInForce:
    """The policy that holds for a spec. ``places`` says where each of its keys was written."""

    policy: Policy
    places: Mapping[str, Span]

    def label(self, key: str) -> tuple[Label, ...]:
        """Return the label that points at one rule."""
        return (Label(self.places[key], "policy"),) if key in self.places else ()


def combine(files: tuple[Bound, ...], findings: Findings) -> PolicyInForce:
    """Return the tightest of all policies; tiers that contradict each other are reported."""
    rules: dict[str, Any] = {}
    places: dict[str, Span] = {}
    for bound in files:
        policy = bound.spec.policy
        for key in sorted(policy.model_fields_set) if policy else ():
            value, place = getattr(policy, key), bound.span("policy", key)
            if value is None:
                continue
            if key == "tiers" and key in rules and not _agree(rules[key], value):
                message = "two policies order the tiers differently"
                findings.error("E509", message, place, labels=[Label(places[key], "the other order")], help="agree on one order")
            tighter = value if key not in rules else _tightest(key, rules[key], value)
            if key not in rules or tighter != rules[key]:
                rules[key], places[key] = tighter, place
    return PolicyInForce(Policy().model_copy(update=rules), places)


def _tightest(key: str, first: Any, second: Any) -> Any:
    if key in _MAXIMA:
        return min(first, second)
    if key == "forbid_effects":
        return tuple(sorted({*first, *second}))
    return tuple(value for value in first if value in second)


def _agree(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    shared = [tier for tier in first if tier in second]
    return shared == [tier for tier in second if tier in first]
