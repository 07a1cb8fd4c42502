"""What people gave to a step that had failed for good: a hint, higher limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..compiler.settings import Limits
from .rounds import enclosing
from .waits import Waits

ROUNDS = "rounds"
"""What a person may raise beside limits: how often a loop goes round."""
HINT = "Somebody who has looked at what went wrong says"


@dataclass(frozen=True, slots=True)
class Relief:
    """What lies over a step's own: hints for its agent in the order in which they were given, and limits."""

    hints: tuple[str, ...] = ()
    limits: Limits | None = None
    rounds: int | None = None
    """Of a loop: how often it may go round."""

    def over(self, limits: Limits | None) -> Limits | None:
        """Return limits with those laid over them that were raised."""
        if self.limits is None:
            return limits
        raised = {name: value for name in Limits.model_fields if (value := getattr(self.limits, name)) is not None}
        return (limits or Limits()).model_copy(update=raised)

    @property
    def words(self) -> tuple[str, ...]:
        """The hints as an agent is told them."""
        return tuple(f"{HINT}: {hint}" for hint in self.hints)


def relief(waits: Waits, path: str) -> Relief:
    """Return what people gave to a step, as its journal tells it: limits of its own, and hints of the loops around it, too."""
    given = Relief()
    if not waits.questions:
        return given
    around = set(enclosing(path))
    for one in waits.questions.values():
        if one.asked.about == "rescue" and one.asked.parent in around and one.closed is not None and isinstance(one.closed.value, dict):
            given = _with(given, one.closed.value, is_own=one.asked.parent == path)
    return given


def _with(given: Relief, verdict: dict[str, Any], *, is_own: bool) -> Relief:
    hints = (*given.hints, str(verdict["hint"])) if verdict.get("hint") else given.hints
    raised = dict(verdict.get("limits") or {})
    if not raised or not is_own:
        return replace(given, hints=hints)
    rounds = raised.pop(ROUNDS, None)
    limits = Relief(limits=Limits.model_validate(raised)).over(given.limits) if raised else given.limits
    return Relief(hints, limits, rounds or given.rounds)
