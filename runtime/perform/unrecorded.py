"""A boundary without a journal: calls are performed under their failure policy, and nothing is kept.

Jobs use it: there the checkpoint is the shard, and a row whose agent was interrupted is asked for again::

    output = await agents.call(UnrecordedBoundary(clock), "enricher", row, parent=f"{stage}/{key}")
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable

from ...compiler.settings import REACTIONS, Backoff, Reaction, merge_reactions
from ..failures import Failure
from ..ports import CallRequest, Clock, Json, Outcome, Permit, Usage

PATIENCE = Backoff(first=1, last=60)
"""Waits for a throttled call where the other side doesn't say how long."""
MAX_WAITS = 60
"""How often a throttled call is waited for before it counts as failed."""


def identity(request: CallRequest, ordinal: int) -> str:
    """Return a call's identity: parent, kind, name, arguments, and its ordinal among equal ones."""
    told = json.dumps([request.parent, request.kind, request.name, request.arguments, ordinal], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


class UnrecordedBoundary:
    """Performs calls, tries them again as their reactions say, and counts what was used. One for each row, or each test."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: Counter[str] = Counter()
        self.used = Usage()

    async def call(self, request: CallRequest, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return the result of a call, performed now. Raises its `Failure` when its policy is used up."""
        call_id = self.next_identity(request)
        return (await self.perform(request, call_id, body)).value

    def next_identity(self, request: CallRequest) -> str:
        """Return the identity of a call that is about to be made, counted among its equals."""
        first = identity(request, 0)
        self._seen[first] += 1
        return identity(request, self._seen[first] - 1)

    async def perform(self, request: CallRequest, call_id: str, body: Callable[[Permit], Awaitable[Outcome]]) -> Outcome:
        """Run a body under the call's reactions."""
        reactions = merge_reactions(REACTIONS, request.on_failure)
        attempt, waits = 1, 0
        while True:
            try:
                outcome = await body(Permit(call_id, attempt, call_id))
            except Failure as failure:
                wait = _wait(request, reactions[failure.kind], failure, attempt, waits)
                if wait is None:
                    raise
                # Being told to wait is not a failed attempt.
                waits, attempt = (waits + 1, attempt) if failure.kind == "throttled" else (waits, attempt + 1)
                await self._clock.sleep(wait)
            else:
                self.used = _sum(self.used, outcome.usage)
                return outcome


def _wait(request: CallRequest, reaction: Reaction, failure: Failure, attempt: int, waits: int) -> float | None:
    """Return the seconds until the next attempt, or None where there is none."""
    if request.kind == "agent" or failure.kind in ("semantic", "exhausted"):
        return None
    if failure.kind == "throttled":
        limit = reaction.attempts or MAX_WAITS
        told = failure.retry_after
        return None if waits + 1 >= limit else _doubled(PATIENCE, waits) if told is None else told
    unsafe = request.effects == "write" and not request.idempotent
    if unsafe or attempt >= (reaction.attempts or 1):
        return None
    return max(failure.retry_after or 0.0, _doubled(reaction.backoff, attempt - 1) if reaction.backoff else 0.0)


def _doubled(backoff: Backoff, times: int) -> float:
    return min(backoff.last, backoff.first * 2.0**times)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.requests + other.requests,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost + other.cost,
    )
