"""A boundary without a journal: calls are performed under their failure policy, and nothing is kept.

Jobs use it: there the checkpoint is the shard, and a row whose agent was interrupted is asked for again. One for each row::

    output = await agents.call(UnrecordedBoundary(clock, chance=random), "enricher", row, parent=f"{stage}/{key}")
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace

from ...compiler.settings import REACTIONS, merge_reactions
from ..failures import Failure, Refused, Semantic
from ..idle import Idle
from ..keys import Ordinals, idempotency_key
from ..ledger import CONTAINERS, Attempt, AttemptLedger
from ..ports import NOT_ON_RECORD, CallRequest, Clock, Json, OnRecord, Outcome, Permit, Usage
from ..reservations import Held, Reservations
from ..retry import Attempts, delay
from ..usage import UsageLedger
from .admission import Admission

_REFUSED = Semantic("the answer was refused")


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
        self._answered: dict[str, Attempt] = {}
        self.used = Usage()
        self.attempts = AttemptLedger()
        self.waits = Idle()
        """What stands still while a limit is waited for: the time of the agents on whose behalf."""
        self._admission = Admission(self._reservations, self.waits, self._judge, self._queued, self._put_off)

    async def call(self, request: CallRequest, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return the result of a call, performed now. Raises its `Failure` when its policy is used up."""
        call_id = self.identity(request)
        with self.waits.working(call_id, request.parent):
            work = self.perform(request, call_id, body)
            return (await (self.waits.writes.to_its_end(work, self) if request.effects == "write" else work)).value

    def identity(self, request: CallRequest) -> str:
        """Return the identity of a call that is about to be made, counted among its equals."""
        return self._ordinals.identity(request)

    def following(self, request: CallRequest) -> str:
        """Return the identity that a call would be given; nothing is counted."""
        return self._ordinals.following(request, "", lambda _: None)

    def look(self, request: CallRequest) -> OnRecord:  # noqa: ARG002 - the shape of `ports.Boundary`
        """Return that nothing is on record."""
        return NOT_ON_RECORD

    async def perform(self, request: CallRequest, call_id: str, body: Callable[[Permit], Awaitable[Outcome]]) -> Outcome:
        """Run a body under the call's reactions."""
        if request.approval is not None:
            raise Refused(f"{request.name} needs the approval of {request.approval.human}, and nobody can be asked here")
        reactions = merge_reactions(REACTIONS, request.on_failure)
        key, tried = idempotency_key(self._scope, call_id) if request.takes_key else "", Attempts()
        while True:
            began = self._clock.now()
            try:
                async with self._admission.of(request, call_id):
                    began = self._clock.now()
                    self.waits.writes.begin()
                    outcome = await body(Permit(call_id, tried.failed + 1, key))
            except Failure as failure:
                tried = tried.after(failure)
                wait = delay(request, reactions[failure.kind], failure, tried, self._chance())
                self._failed(request, call_id, tried, failure, began, wait)
                if wait is None:
                    raise
                self.waits.writes.rest()
                with self.waits.undecided(call_id) if failure.kind == "throttled" else nullcontext():
                    await self._clock.sleep(wait)
            else:
                if request.need is not None:
                    self._reservations.answered(request.need.model, outcome.usage.output_tokens)
                self._count(request, call_id, outcome.usage)
                if request.kind == "model":
                    self._answered[request.parent] = self._attempt(request, call_id, tried.after(_REFUSED), outcome.usage, began)
                return outcome

    def _failed(  # noqa: PLR0913, PLR0917 - an attempt, and what comes after it
        self, request: CallRequest, call_id: str, tried: Attempts, failure: Failure, began: float, wait: float | None
    ) -> None:
        """Count what a failed attempt used, and put it into the ledger."""
        spent, failure.usage = failure.usage, Usage()
        self._count(request, call_id, spent)
        told = self._attempt(request, call_id, tried, spent, began)
        told = replace(told, failure=failure.kind, type=failure.type_name, cause=failure.message, final=wait is None)
        self.attempts.add(replace(told, wait=wait or 0.0), is_new=tried.failed + tried.waits == 1)

    def refuse(self, parent: str, reason: str) -> None:
        """Count what the newest answer of a model cost as a failure's; see `ports.Boundary`."""
        answered = self._answered.pop(parent, None)
        if answered is not None:
            self.attempts.add(replace(answered, cause=reason))

    def last(self, parent: str) -> str | None:  # noqa: ARG002 - the shape of `ports.Boundary`
        """Return None: nothing is on record."""
        return None

    def _attempt(self, request: CallRequest, call_id: str, tried: Attempts, spent: Usage, began: float) -> Attempt:
        """Return what an attempt was and cost, the newest of those that were ``tried``; as if its answer were refused."""
        now, number = self._clock.now(), tried.failed + tried.waits
        seconds = 0.0 if request.kind in CONTAINERS else max(0.0, now - began)
        return Attempt(
            "semantic", "Refused", "", request.parent, call_id, request.kind, request.name, number, now,
            seconds=seconds, tokens=spent.tokens, cost=spent.cost,
        )  # fmt: skip

    def _judge(self, request: CallRequest) -> list[Held]:
        return [(bound, self._ledger.of(bound.path)) for bound in request.bounds]

    @asynccontextmanager
    async def _queued(self, _request: CallRequest, call_id: str) -> AsyncIterator[None]:
        with self.waits.undecided(call_id):
            yield

    async def _put_off(self, _request: CallRequest, _call_id: str, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def _count(self, request: CallRequest, call_id: str, spent: Usage) -> None:
        self.used += spent
        for bound in request.bounds:
            self._ledger.count_one(bound.path, spent.tokens, spent.cost)
        self._reservations.release(call_id)
