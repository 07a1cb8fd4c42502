"""From a model's entry in a plan to its pace: who shares it, and what part of the declared rate is this machine's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ....compiler.plan import ModelPlan
from ....compiler.providers import is_provider
from ....compiler.settings import ModelRate
from ... import limiter
from ...failures import Refused
from ...ports import Clock
from .. import world
from .about import about
from .folder import key
from .pace import Pace

if TYPE_CHECKING:
    import httpx2

MACHINES = "DARNER_MACHINES"
"""The environment variable that says how many machines, or containers, share the accounts: each keeps to its part of a rate."""


def pace_of(plan: ModelPlan, secret: str | None, run: str, clock: Clock | None = None, written: ModelPlan | None = None) -> Pace:
    """Return a run's pace at a model, shared with all on this machine that use it by the same account.

    Args:
        plan: the model's entry, with parameters in it.
        secret: its key's value: another account has limits of its own.
        run: whose calls have their turn together.
        clock: the run's.
        written: the entry as it is written, by which people are told of it.
    """
    if is_provider(plan.use):
        shared = key(plan.use, plan.base_url or "", secret or "")
    else:  # another project may well have another callable of that name
        shared = key(plan.use, json.dumps(plan.params, sort_keys=True, default=str), str(Path.cwd()))
    rate = limiter.split(plan.rate or ModelRate(), machines())
    return Pace(shared, rate, run, clock, about(written or plan, plan, rate))


def machines() -> int:
    """Return how many machines share the accounts; `Refused` where what is said of it is no number."""
    said = world.setting(MACHINES)
    if not said:
        return 1
    if not said.isdecimal() or not int(said):
        raise Refused(f"{MACHINES} is {said!r}", help="write how many machines share the account, like 4")
    return int(said)


def listening(client: httpx2.AsyncClient, pace: Callable[[], Pace]) -> httpx2.AsyncClient:
    """Return a client that tells a pace what the headers of each answer say; pydantic-ai keeps them for itself."""

    async def hear(response: httpx2.Response) -> None:
        await pace().heard(response.headers)

    client.event_hooks["response"].append(hear)
    return client
