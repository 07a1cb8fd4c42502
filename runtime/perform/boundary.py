"""The effect boundary of a run: served from the journal, or performed under the failure policy and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ...compiler.plan import Plan
from ...compiler.settings import REACTIONS, merge_reactions
from .. import budget
from ..commits import GroupCommit
from ..events import Cached, CallFailed, CallFinished, CallStarted, Said
from ..failures import CallableError, ContextLost, Corrupt, Failure, Network
from ..keys import Ordinals, idempotency_key
from ..ports import CallRequest, Clock, Json, Outcome, Permit
from ..retry import Attempts, delay
from ..state import RunState
from .cache import ResultCache


@dataclass(frozen=True)
class Recording:
    """What all boundaries of one run share."""

    run_id: str
    plan: Plan
    state: RunState
    commits: GroupCommit
    clock: Clock
    chance: Callable[[], float]
    load: Callable[[str], Json]
    cache: ResultCache | None = None


@dataclass
class JournaledBoundary:
    """The boundary of one execution of one step. ``timeout`` bounds each attempt of each call, in seconds."""

    recording: Recording
    timeout: float | None = None
    finished: dict[str, str] = field(default_factory=dict)
    """The call whose result was given last, by parent."""
    _ordinals: Ordinals = field(default_factory=Ordinals)

    async def call(self, request: CallRequest, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return the result of a call: served, or performed and recorded.

        Raises:
            Failure: the policy is used up; or a write that must not be repeated began before a crash, and nobody knows
                whether it happened.
        """
        call_id = self._ordinals.identity(request)
        known = self.recording.state.calls.get(call_id)
        if known is not None and known.payload is not None:
            value = known.payload.value if known.payload.blob is None else self.recording.load(known.payload.blob)
        else:
            if known is not None and known.unsettled and not request.idempotent:
                raise _uncertain(request)
            value = await self._obtain(request, call_id, body)
        self.finished[request.parent] = call_id
        return value

    async def _obtain(self, request: CallRequest, call_id: str, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return an equal call's result where the call may be cached and there is one; else make the call."""
        cache = self.recording.cache
        if cache is None or request.cache is None or request.effects == "write" or request.remembers:
            return await self._perform(request, call_id, body)
        began = self.recording.clock.now()
        async with cache.look(request, request.cache, call_id) as found:
            if found.told.hit:
                await self._record(request, call_id, Outcome(found.value), self.recording.clock.now() - began, found.told)
                return found.value
            value = await self._perform(request, call_id, body, found.told)
            await cache.keep(found, value)
            return value

    async def _perform(
        self, request: CallRequest, call_id: str, body: Callable[[Permit], Awaitable[Outcome]], cached: Cached | None = None
    ) -> Json:
        tried = Attempts()
        while True:
            began = self.recording.clock.now()
            budget.check(self.recording.plan, self.recording.state, request, began)
            permit = await self._permit(request, call_id, began)
            try:
                outcome = await self._attempt(request, permit, body)
            except Failure as failure:
                tried = tried.after(failure)
                wait = self._delay(request, failure, tried)
                await self._record_failure(request, permit, failure, final=wait is None)
                if wait is None:
                    raise
                await self.recording.clock.sleep(wait)
            else:
                await self._record(request, call_id, outcome, self.recording.clock.now() - began, cached)
                return outcome.value

    def _delay(self, request: CallRequest, failure: Failure, tried: Attempts) -> float | None:
        if failure.kind == "semantic":
            # The same question gives the same answer: whoever asked must say what was wrong, and ask another one.
            return None
        reaction = merge_reactions(REACTIONS, request.on_failure)[failure.kind]
        return delay(request, reaction, failure, tried, self.recording.chance())

    async def _permit(self, request: CallRequest, call_id: str, now: float) -> Permit:
        """Record that an attempt begins; for a write this is the intent, and it is durable before the write begins."""
        known = self.recording.state.calls.get(call_id)
        attempt = (known.attempts if known else 0) + 1
        started = CallStarted(
            at=now, call=call_id, parent=request.parent, what=request.kind, name=request.name, attempt=attempt, effects=request.effects
        )
        if request.effects == "write":
            await self.recording.commits.commit(started)
        else:
            self.recording.commits.note(started)
        earlier = self._earlier(request, call_id) if request.remembers else ()
        return Permit(call_id, attempt, idempotency_key(self.recording.run_id, call_id), earlier)

    def _earlier(self, request: CallRequest, call_id: str) -> Sequence[Json]:
        """Return the messages that a call goes on with; `ContextLost` where one of them is gone or damaged."""
        said = self.recording.state.conversations.earlier(request.name, call_id)
        try:
            return [one.value if one.blob is None else self.recording.load(one.blob) for one in said]
        except Corrupt as error:
            msg = f"the conversation of {request.name} can't be read: {error.message}"
            raise ContextLost(msg, help=error.help) from error

    async def _attempt(self, request: CallRequest, permit: Permit, body: Callable[[Permit], Awaitable[Outcome]]) -> Outcome:
        if self.timeout is None or request.kind == "agent":
            return await body(permit)
        clock = asyncio.timeout(self.timeout)
        try:
            async with clock:
                return await body(permit)
        except TimeoutError as late:
            if clock.expired():
                raise Network(f"{request.name} took longer than {self.timeout:g}s", type_name="TimeoutError") from late
            raise

    async def _record(self, request: CallRequest, call_id: str, outcome: Outcome, seconds: float, cached: Cached | None) -> None:
        used = outcome.usage
        event = CallFinished(
            at=self.recording.clock.now(),
            call=call_id,
            parent=request.parent,
            what=request.kind,
            name=request.name,
            value=outcome.value,
            fingerprint=request.fingerprint,
            requests=used.requests,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cost=used.cost,
            seconds=seconds,
            source="cache" if cached is not None and cached.hit else "made",
            cached=cached,
        )
        said = (Said(at=event.at, call=call_id, value=message) for message in outcome.said)
        await self.recording.commits.commit(*said, event)

    async def _record_failure(self, request: CallRequest, permit: Permit, failure: Failure, *, final: bool) -> None:
        event = CallFailed(
            at=self.recording.clock.now(),
            call=permit.call_id,
            parent=request.parent,
            name=request.name,
            attempt=permit.attempt,
            failure=failure.kind,
            type=failure.type_name,
            message=failure.message,
            final=final,
        )
        if final or request.effects == "write":
            await self.recording.commits.commit(event)
        else:
            self.recording.commits.note(event)


def _uncertain(request: CallRequest) -> Failure:
    return CallableError(
        f"the write {request.name} began and its result was never recorded: it may or may not have happened, so it is not repeated",
        type_name="UncertainWrite",
        help="look whether it happened; then `darner resume RUN --redo STEP` does it once more. "
        "A tool that uses its idempotency_key can say idempotent: true, and is then repeated safely",
    )
