"""Where a run's record and what would be done today differ: calls no longer asked for, results of code that has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..compiler.plan import Plan
from .known import CallState
from .state import RunState


@dataclass(frozen=True, slots=True)
class DriftReport:
    """One call that is on record, and why it is not what a new run would have."""

    step: str
    call: str
    what: str
    name: str
    reason: str


def drift(plan: Plan, state: RunState, code: Mapping[str, str]) -> Iterator[DriftReport]:
    """Yield what has drifted; ``code`` has today's fingerprints by callable name. Results are served all the same."""
    for step, calls in state.drift.items():
        for name in calls:
            call = state.calls.get(name)
            if call is not None:
                yield DriftReport(step, name, call.what, call.name, "no longer asked for")
    for call in state.calls.values():
        now = code.get(code_of(plan, call) or "")
        if call.payload is not None and call.fingerprint and now is not None and now != call.fingerprint:
            yield DriftReport(call.root, call.call, call.what, call.name, "made by code that has changed since")


def code_of(plan: Plan, call: CallState) -> str | None:
    """Return the callable behind a call; None for a model's, an agent's or a person's."""
    if call.what == "callable":
        return call.name
    tool = plan.tools.get(call.name) if call.what == "tool" else None
    return tool.use if tool is not None else None


def as_json(told: DriftReport) -> dict[str, Any]:
    """Return it as JSON."""
    return asdict(told)
