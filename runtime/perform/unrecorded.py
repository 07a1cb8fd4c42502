"""A boundary without a journal: calls are performed under their failure policy, and nothing is kept.

Jobs use it: there the checkpoint is the shard, and a row whose agent was interrupted is asked for again. One for each row::

    output = await agents.call(UnrecordedBoundary(clock, chance=random), "enricher", row, parent=f"{stage}/{key}")
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from ...compiler.settings import REACTIONS, merge_reactions
from ..failures import Failure, Refused
from ..keys import Ordinals, idempotency_key
from ..ports import CallRequest, Clock, Json, Outcome, Permit, Usage
from ..retry import Attempts, delay


def longest() -> float:
    """Return the chance that makes every wait as long as it may be: for tests."""
    return 1.0


class UnrecordedBoundary:
    """Performs calls, tries them again as their reactions say, and counts what was used.

    Args:
        clock: what waits.
        chance: gives numbers between 0 and 1, for jitter.
        scope: what makes idempotency keys different from those of other runs and jobs.
    """

    def __init__(self, clock: Clock, *, chance: Callable[[], float] = longest, scope: str = "") -> None:
        self._clock = clock
        self._chance = chance
        self._scope = scope
        self._ordinals = Ordinals()
        self.used = Usage()

    async def call(self, request: CallRequest, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return the result of a call, performed now. Raises its `Failure` when its policy is used up."""
        return (await self.perform(request, self.identity(request), body)).value

    def identity(self, request: CallRequest) -> str:
        """Return the identity of a call that is about to be made, counted among its equals."""
        return self._ordinals.identity(request)

    async def perform(self, request: CallRequest, call_id: str, body: Callable[[Permit], Awaitable[Outcome]]) -> Outcome:
        """Run a body under the call's reactions."""
        if request.approval is not None:
            raise Refused(f"{request.name} needs the approval of {request.approval.human}, and nobody can be asked here")
        reactions = merge_reactions(REACTIONS, request.on_failure)
        key, tried = idempotency_key(self._scope, call_id), Attempts()
        while True:
            try:
                async with nullcontext() if request.turn is None else request.turn(asyncio.sleep):
                    outcome = await body(Permit(call_id, tried.failed + 1, key))
            except Failure as failure:
                tried = tried.after(failure)
                wait = delay(request, reactions[failure.kind], failure, tried, self._chance())
                if wait is None:
                    raise
                await self._clock.sleep(wait)
            else:
                self.used = _sum(self.used, outcome.usage)
                return outcome


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.requests + other.requests,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost + other.cost,
    )
