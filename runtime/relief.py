"""What people gave to a step that had failed for good: a hint, higher limits."""

from __future__ import annotations

from dataclasses import dataclass

from ..compiler.settings import Limits
from .ports import Json
from .waits import Waits

HINT = "Somebody who has looked at what went wrong says"


@dataclass(frozen=True, slots=True)
class Relief:
    """What lies over a step's own: hints for its agent in the order in which they were given, and limits."""

    hints: tuple[str, ...] = ()
    limits: Limits | None = None

    def over(self, limits: Limits | None) -> Limits | None:
        """Return limits with those laid over them that were raised."""
        if self.limits is None:
            return limits
        raised = {name: value for name in Limits.model_fields if (value := getattr(self.limits, name)) is not None}
        return (limits or Limits()).model_copy(update=raised)

    def prompt(self, text: str) -> str:
        """Return a prompt with the hints below it."""
        return "\n\n".join((text, *(f"{HINT}: {hint}" for hint in self.hints)))


def relief(waits: Waits, path: str) -> Relief:
    """Return what people gave to a step, as its journal tells it."""
    hints: list[str] = []
    limits: Limits | None = None
    for one in waits.questions.values():
        if one.asked.about != "rescue" or one.asked.parent != path or one.closed is None or not isinstance(one.closed.value, dict):
            continue
        if one.closed.value.get("hint"):
            hints.append(str(one.closed.value["hint"]))
        raised: Json = one.closed.value.get("limits")
        if raised:
            limits = Relief(limits=Limits.model_validate(raised)).over(limits)
    return Relief(tuple(hints), limits)
