"""What all boundaries of one run share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...compiler.plan import Plan
from ..commits import GroupCommit
from ..idle import Idle
from ..ports import AskPeople, Clock, Gate, Json
from ..reservations import Reservations
from ..state import RunState
from .cache import ResultCache


@dataclass(frozen=True)
class Recording:
    """A run's record, what it is written with, and who is asked."""

    run_id: str
    plan: Plan
    state: RunState
    commits: GroupCommit
    clock: Clock
    chance: Callable[[], float]
    load: Callable[[str], Json]
    cache: ResultCache | None = None
    waits: Idle = field(default_factory=Idle)
    people: AskPeople | None = None
    gate: Gate | None = None
    """Where a run was resumed strictly: what lets new calls pass."""
    reservations: Reservations = field(default_factory=Reservations)
    """What requests to models that are under way may still use."""
