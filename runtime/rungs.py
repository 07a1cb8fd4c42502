"""Which rung of a memory ladder a node begins with: what earlier runs have learned, as arithmetic.

A node that needed a larger rung begins there in the next run. Needs shrink, too: once `TRIALS` runs have begun on a
remembered rung, the next one tries the rung below it, and either stays there or remembers the larger one anew. So what
is remembered in vain costs at most one failed attempt in `TRIALS` runs to find out, and a need that is real costs no more.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from ..compiler.frozen import Frozen
from ..compiler.plan import ResourcesPlan

TRIALS = 20
"""So many runs begin on a remembered rung before the one below it is tried again."""


@dataclass(frozen=True, slots=True)
class RungKey:
    """What is remembered belongs to one node of one spec, under one ladder: an edited ladder forgets."""

    spec: str
    node: str
    """A step, a tool or a stage."""
    ladder: str
    """See `ladder_digest`."""


class Known(Frozen):
    """What is remembered of one node. ``at`` is when it was last used (seconds since 1970)."""

    rung: int
    """The largest rung that was needed; 0 is the base."""
    begun: int = 0
    """How many runs have begun on it since it was last found to be needed."""
    at: float = 0.0


def ladder_digest(resources: ResourcesPlan) -> str:
    """Return 16 hex digits for what a ladder gives on each rung: the SHA-256 of its canonical JSON."""
    said = resources.model_dump(mode="json", include={"cpu", "memory", "gpu", "disk", "on_oom"})
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def first_rung(known: Known | None) -> int:
    """Return the rung to begin with: the base where nothing is known."""
    if known is None:
        return 0
    return known.rung if known.begun < TRIALS else max(0, known.rung - 1)


def learned(known: Known | None, worked: int, now: float) -> Known | None:
    """Return what is to be remembered after a run in which ``worked`` was the largest rung needed; None where nothing is.

    A rung below the one that a run begins with teaches nothing: somebody else has learned more meanwhile.
    """
    if known is None:
        return Known(rung=worked, at=now) if worked else None
    begin = first_rung(known)
    if worked < begin:
        return known
    if worked == known.rung == begin:
        return Known(rung=worked, begun=known.begun + 1 if worked else 0, at=now)
    return Known(rung=worked, at=now)
