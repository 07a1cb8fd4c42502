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
from ..reservations import Reservations
from ..retry import Attempts, delay
from ..usage import UsageLedger


def longest() -> float:
    """Return the chance that makes every wait as long as it may be: for tests."""
    return 1.0


class UnrecordedBoundary:
    """Performs calls, tries them again as their reactions say, and counts what was used.

    Args:
        clock: what waits.
        chance: gives numbers between 0 and 1, for jitter.
        scope: what makes idempotency keys different from those of other runs and jobs.
        ledger: what agents have used before, where that is known.
    """

    def __init__(self, clock: Clock, *, chance: Callable[[], float] = longest, scope: str = "", ledger: UsageLedger | None = None) -> None:
        self._clock = clock
        self._chance = chance
        self._scope = scope
        self._ordinals = Ordinals()
        self._ledger = ledger or UsageLedger()
        self._reservations = Reservations()
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
        key, tried = idempotency_key(self._scope, call_id) if request.takes_key else "", Attempts()
        while True:
            try:
                async with nullcontext() if request.turn is None else request.turn(asyncio.sleep):
                    await self._afford(request, call_id)
                    outcome = await body(Permit(call_id, tried.failed + 1, key))
            except Failure as failure:
                spent, failure.usage = failure.usage, Usage()
                self._count(request, call_id, spent)
                tried = tried.after(failure)
                wait = delay(request, reactions[failure.kind], failure, tried, self._chance())
                if wait is None:
                    raise
                await self._clock.sleep(wait)
            except BaseException:
                self._reservations.release(call_id)
                raise
            else:
                if request.need is not None:
                    self._reservations.answered(request.need.model, outcome.usage.output_tokens)
                self._count(request, call_id, outcome.usage)
                return outcome

    async def _afford(self, request: CallRequest, call_id: str) -> None:
        """Return once nothing that bounds a request to a model is used up, nor would be; raises `Exhausted` where it is."""
        while request.need is not None and request.bounds:
            within = [(bound, self._ledger.of(bound.path)) for bound in request.bounds]
            if self._reservations.take(call_id, request.need, within):
                return
            await self._reservations.change()

    def _count(self, request: CallRequest, call_id: str, spent: Usage) -> None:
        self.used += spent
        for bound in request.bounds:
            self._ledger.count_one(bound.path, spent.tokens, spent.cost)
        self._reservations.release(call_id)
