"""Steps that failed for good, shown to a person who may know what to do."""

from __future__ import annotations

from dataclasses import dataclass

from ....compiler.plan import StepPlan
from ...engine import Performer, Result
from ...idle import Idle
from ...ports import Json


@dataclass(frozen=True)
class Rescuing:
    """Performs steps, and asks a person about those whose failure policy says so. See `engine.Performer`."""

    perform: Performer
    idle: Idle

    async def __call__(self, path: str, step: StepPlan, arguments: Json) -> Result:
        """Return a step's result, or what a person gave instead."""
        with self.idle.working(path, path.rpartition("/")[0]):
            return await self.perform(path, step, arguments)
