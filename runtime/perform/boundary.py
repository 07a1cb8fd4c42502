"""The effect boundary of a run: served from the journal, or performed under the failure policy and recorded."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...compiler.settings import REACTIONS, merge_reactions
from .. import budget
from ..amounts import NOTHING, Bound
from ..events import AnswerRefused, Cached, CallFailed, CallFinished, CallStarted, Event, Said, TimerSet, TurnAwaited
from ..failures import Corrupt, Failure, Network
from ..idle import LONG, Wait
from ..keys import Ordinals, idempotency_key
from ..known import CallState, Payload
from ..ports import NOT_ON_RECORD, Approved, CallRequest, Json, OnRecord, Outcome, Permit, Usage
from ..relief import Relief
from ..replay import Replay, failure_of
from ..reservations import Held
from ..retry import Attempts, delay
from .admission import Admission
from .awaiting import awaited
from .doubtful import UNASKED, Found, approval_of, can_be_found_out, find_out, is_doubtful
from .earlier import Earlier, damaged, earlier, former_answers
from .recording import Recording

_UNTRIED = Attempts()
_LONG = 20.0
"""Seconds that a write without a time-out may well take."""


_PAUSE, _QUIET = 0.01, 20
"""Seconds between looks at whether another task comes for what it had, and after how many without a call it won't."""


class _Try(NamedTuple):
    """One attempt of a call. ``first`` are events that go into one commit with the intent of a write."""

    request: CallRequest
    call_id: str
    body: Callable[[Permit], Awaitable[Outcome]]
    approved: Approved
    cached: Cached | None
    first: Sequence[Event]


class _Failed(NamedTuple):
    """An attempt that failed: when it began, and how."""

    began: float
    permit: Permit
    failure: Failure


@dataclass
class JournaledBoundary:
    """The boundary of one execution of one step. ``timeout`` bounds each attempt of each call, in seconds."""

    recording: Recording
    timeout: float | None = None
    finished: dict[str, str] = field(default_factory=dict)
    """The call whose result was given last, by parent."""
    answered: dict[str, str] = field(default_factory=dict)
    """The request to a model whose answer was given last, by parent."""
    bounds: tuple[Bound, ...] = ()
    """What the step, and the loops around it, may use."""
    replay: Replay | None = None
    """What is on record of the step; with it, failures on record are raised again too."""
    has_tasks: bool = False
    """Whether several asyncio tasks of an orchestrator ask."""
    relief: Relief = field(default_factory=Relief)
    """What people gave to the step after it had failed."""
    _ordinals: Ordinals = field(default_factory=Ordinals)
    asking: ContextVar[str] = field(default_factory=lambda: ContextVar("darner_asking", default=""))
    """The asyncio task of an orchestrator that asks; see `events.CallStarted`."""

    async def call(self, request: CallRequest, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return the result of a call: served, or performed and recorded.

        Raises:
            Failure: the policy is used up; or a write that must not be repeated began before a crash, and nobody knows
                whether it happened.
        """
        if self.has_tasks and self.replay is not None and not self.replay.is_over:
            await self._let_others_ask(request, self.replay)
        call_id = self.identify(request)
        known = self.recording.state.calls.get(call_id)
        payload = None if known is None else self._readable(request, known)
        if payload is not None:
            value = payload.value
        else:
            if (
                self.replay is not None
                and known is not None
                and (request.idempotent or not known.unsettled)
                and (failure := failure_of(known)) is not None
            ):
                raise failure
            with self.recording.waits.working(call_id, request.parent):
                self.recording.commits.settle()
                if self.recording.gate is not None:
                    await self.recording.gate.passed()
                is_uncertain = known is not None and known.unsettled and not request.idempotent
                way = self._settle if is_uncertain else self._perform if request.cache is None else self._obtain
                work = way(request, call_id, body)
                value = await (self._to_its_end(work) if request.effects == "write" else work)
        self.finished[request.parent] = call_id
        if request.kind == "model":
            self.answered[request.parent] = call_id
        return value

    def _to_its_end(self, write: Coroutine[Any, Any, Json]) -> Awaitable[Json]:
        recording = self.recording
        return recording.waits.writes.to_its_end(write, self, lambda: recording.commits.is_broken)

    def _readable(self, request: CallRequest, known: CallState) -> Payload | None:
        """Return what is on record of a call; None where there is nothing, or it is damaged and may be asked for again."""
        if known.payload is None or known.payload.blob is None:
            return known.payload
        try:
            return Payload(self.recording.load(known.payload.blob))
        except Corrupt as error:
            above = self.recording.state.calls.get(request.parent)
            is_read = request.kind == "tool" and request.effects != "write" and above is not None and above.what == "agent"
            if request.flaw is None and not is_read:
                raise
            why = f"what is on record of {request.name} can't be read, and is asked for again: {error.message}"
            self.recording.commits.note(damaged(request, known.call, known.begun, Earlier([], why=why), self.recording.clock.now()))
            return None

    def look(self, request: CallRequest) -> OnRecord:
        """Return what is on record of a call that is asked for next; see `ports.Boundary`."""
        state = self.recording.state
        known = state.calls.get(self._ordinals.following(request, self.asking.get(), self._task_of))
        if known is None:
            return NOT_ON_RECORD
        is_raised = self.replay is not None and known.given_up is not None
        if known.payload is not None or is_raised or known.former is None:
            return OnRecord(known.payload is not None or is_raised, known.payload is not None)
        others = (state.calls[one] for one in state.below[known.parent] if one != known.call and one in state.calls)
        return OnRecord(refused=former_answers((known, *others), self.recording.load))

    def refuse(self, parent: str, reason: str) -> None:
        """Note that the newest answer of a model is not accepted, unless that is on record; see `ports.Boundary`."""
        known = self.recording.state.calls.get(self.answered.get(parent, ""))
        if known is not None and known.answer is not None:
            self.recording.commits.note(AnswerRefused(at=self.recording.clock.now(), call=known.call, type="Refused", message=reason))

    def last(self, parent: str) -> str | None:
        """Return the call on behalf of ``parent`` whose result was given last."""
        return self.finished.get(parent)

    def identify(self, request: CallRequest) -> str:
        """Return the identity of the call that is asked for, counted among its equals."""
        if self.replay is None:
            return self._ordinals.identity(request)
        call = self._ordinals.claim(request, self.asking.get(), self._task_of)
        self.replay.asked(call)
        return call

    async def _let_others_ask(self, request: CallRequest, replay: Replay) -> None:
        """Wait before a task is given what another one had, as long as that one may still come for it.

        What is on record is served at once, so a branch that goes on as before has soon asked for all that it had. Where
        nothing has been asked for a while, the code was edited, and the tasks' numbers are others now.
        """
        quiet, task = 0, self.asking.get()
        while quiet < _QUIET and self._ordinals.is_anothers(request, task, self._task_of):
            before = replay.asks
            await asyncio.sleep(_PAUSE)
            quiet = quiet + 1 if replay.asks == before else 0

    def _task_of(self, call: str) -> str | None:
        known = self.recording.state.calls.get(call)
        return None if known is None else known.task

    async def _settle(self, request: CallRequest, call_id: str, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Find out what became of a write that broke off, and do it where it did not happen."""
        found = await self._find_out(request, call_id)
        if not found.happened:
            return await self._perform(request, call_id, body, first=found.told)
        await self._record(request, call_id, Outcome(found.value), self.recording.clock.now(), None, *found.told)
        return found.value

    async def _find_out(self, request: CallRequest, call_id: str) -> Found:
        return await find_out(self.recording, self, request, call_id, lambda told: self._permit_for(request, call_id, 0, told))

    async def _obtain(self, request: CallRequest, call_id: str, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return an equal call's result where the call may be cached and there is one; else make the call."""
        cache = self.recording.cache
        if cache is None or request.cache is None or request.effects == "write" or request.remembers:
            return await self._perform(request, call_id, body)
        began = self.recording.clock.now()
        async with cache.look(request, request.cache, call_id) as found:
            if found.told.hit:
                await self._record(request, call_id, Outcome(found.value), began, found.told)
                return found.value
            value = await self._perform(request, call_id, body, found.told)
            self.recording.commits.settle()  # what other runs are given must not be lost to this one
            await cache.keep(found, value)
            return value

    async def _perform(
        self,
        request: CallRequest,
        call_id: str,
        body: Callable[[Permit], Awaitable[Outcome]],
        cached: Cached | None = None,
        *,
        first: Sequence[Event] = (),
    ) -> Json:
        approved = UNASKED if request.approval is None else await approval_of(self.recording, self, request, call_id)
        on_record = self.recording.state.calls.get(call_id)
        tried, first = _UNTRIED if on_record is None else Attempts.on_record(on_record.failures), (*first, *approved.events)
        if call_id in self.recording.state.waits.timers:
            await self._until_due(request, call_id)
        while True:
            tries = _Try(request, call_id, body, approved, cached, first)
            if request.turn is None and request.need is None:
                budget.check(self.recording.plan, self.recording.state, request, self.recording.clock.now(), self._within(request))
                done = await self._once(tries)
            else:
                async with self._admission().of(request, call_id):
                    done = await self._once(tries)
            if not isinstance(done, _Failed):
                return done
            began, permit, failure = done
            tried, known, first = tried.after(failure), None, ()
            if is_doubtful(request, failure) and can_be_found_out(self.recording, request):
                await self._record_failure(request, permit, failure, final=False)
                known = await self._find_out(request, call_id)
                if known.happened:
                    await self._record(request, call_id, Outcome(known.value), began, cached, *known.told)
                    return known.value
                first = known.told
            await self._rest(request, permit, failure, tried, known)

    async def _once(self, one: _Try) -> Json | _Failed:
        """Make one attempt, and return its result once that is durable; or how it failed, for whoever decides what follows."""
        began = self.recording.clock.now()
        permit = await self._permit(one.request, one.call_id, one.approved, began, one.first)
        try:
            is_bounded = self.timeout is not None and one.request.kind != "agent"
            outcome = await (self._attempt(one.request, permit, one.body) if is_bounded else one.body(permit))
        except Failure as failure:
            return _Failed(began, permit, failure)
        await self._record(one.request, one.call_id, outcome, began, one.cached)
        return outcome.value

    def _judge(self, request: CallRequest) -> list[Held]:
        """Return what bounds a request to a model; `Exhausted` where a bound of any call is used up, or its time is over."""
        recording, within = self.recording, self._within(request)
        budget.check(recording.plan, recording.state, request, recording.clock.now(), within)
        return [] if request.need is None else budget.held(recording.plan, recording.state, within)

    def _within(self, request: CallRequest) -> tuple[Bound, ...]:
        return (*self.bounds, *request.bounds) if request.bounds else self.bounds

    def _admission(self) -> Admission:
        return Admission(self.recording.reservations, self.recording.waits, self._judge, self._awaiting, self._put_off)

    async def _rest(self, request: CallRequest, permit: Permit, failure: Failure, tried: Attempts, known: Found | None) -> None:
        """Wait for the next attempt; raise the failure where there is none. ``known`` is what was found out about a write."""
        if known is not None and known.told:
            return  # a person said: do it
        wait = self._delay(request if known is None else request._replace(idempotent=True), failure, tried)
        if known is None:
            await self._record_failure(request, permit, failure, final=wait is None, wait=wait or 0.0)
        if wait is None:
            failure.calls = (*failure.calls, permit.call_id)
            raise failure
        # Time that a limit takes is nobody's; what trying again takes belongs to whoever asked.
        if failure.kind == "throttled":
            async with self._awaiting(request, permit.call_id, known=True):
                await self._put_off(request, permit.call_id, wait)
        else:
            self.recording.waits.writes.rest()
            await self._put_off(request, permit.call_id, wait)

    def _awaiting(self, request: CallRequest, call_id: str, *, known: bool = False) -> contextlib.AbstractAsyncContextManager[None]:
        recording = self.recording

        def tell(*, over: bool) -> None:
            if over and call_id in recording.state.waits.timers:
                return  # it goes on waiting, while nobody has the run
            now = recording.clock.now()
            recording.commits.note(TurnAwaited(at=now, call=call_id, parent=request.parent, name=request.name, over=over))

        return awaited(tell, recording.waits, call_id, known=known)

    async def _put_off(self, request: CallRequest, call_id: str, seconds: float) -> None:
        """Wait until a call may begin. A long wait is on record, so that the run can be parked meanwhile."""
        recording = self.recording
        if seconds <= LONG:
            await recording.clock.sleep(seconds)
            return
        now = recording.clock.now()
        await recording.commits.commit(TimerSet(at=now, call=call_id, parent=request.parent, due=now + seconds))
        await recording.waits.until(Wait(call_id, request.parent, now + seconds), recording.clock)

    async def _until_due(self, request: CallRequest, call_id: str) -> None:
        """Wait for what the call was put off to before the run was parked, or its process died."""
        timer = self.recording.state.waits.timers.get(call_id)
        if timer is not None:
            with self.recording.waits.undecided(call_id):
                await self.recording.waits.until(Wait(call_id, request.parent, timer.due), self.recording.clock)

    def _delay(self, request: CallRequest, failure: Failure, tried: Attempts) -> float | None:
        if failure.kind == "semantic":
            # The same question gives the same answer: whoever asked must say what was wrong, and ask another one.
            return None
        reaction = merge_reactions(REACTIONS, request.on_failure)[failure.kind]
        return delay(request, reaction, failure, tried, self.recording.chance())

    async def _permit(self, request: CallRequest, call_id: str, approved: Approved, began: float, first: Sequence[Event]) -> Permit:
        """Record that an attempt begins; for a write this is the intent, and it is durable before the write begins.

        A consumed approval is in the same commit: there is no moment at which it is used up and the write not begun, or
        the write begun and the approval still there.
        """
        known = self.recording.state.calls.get(call_id)
        attempt = (known.attempts if known else 0) + 1
        started = CallStarted(
            at=began,
            call=call_id,
            parent=request.parent,
            what=request.kind,
            name=request.name,
            attempt=attempt,
            effects=request.effects,
            task=self.asking.get(),
        )
        if request.effects == "write":
            self.recording.waits.writes.begin()
            await self.recording.commits.hold(self.timeout or _LONG)
        if request.effects == "write" or first:
            await self.recording.commits.commit(*first, started)
        else:
            self.recording.commits.note(started)
        return self._permit_for(request, call_id, attempt, approved)

    def _permit_for(self, request: CallRequest, call_id: str, attempt: int, approved: Approved) -> Permit:
        said = self._earlier(request, call_id, attempt) if request.remembers else ()
        key = idempotency_key(self.recording.run_id, call_id) if request.takes_key else ""
        return Permit(call_id, attempt, key, said, approved.arguments)

    def _earlier(self, request: CallRequest, call_id: str, attempt: int) -> Sequence[Json]:
        """Return the messages that a call goes on with; `ContextLost` where some are damaged, and that is the end."""
        recording = self.recording
        found = earlier(request, call_id, recording.state.conversations, recording.load)
        if found.lost:
            recording.commits.note(damaged(request, call_id, attempt, found, recording.clock.now()))
        return found.said

    async def _attempt(self, request: CallRequest, permit: Permit, body: Callable[[Permit], Awaitable[Outcome]]) -> Outcome:
        clock = asyncio.timeout(self.timeout)
        try:
            async with clock:
                return await body(permit)
        except TimeoutError as late:
            if clock.expired():
                raise Network(f"{request.name} took longer than {self.timeout:g}s", type_name="TimeoutError") from late
            raise

    async def _record(
        self, request: CallRequest, call_id: str, outcome: Outcome, began: float, cached: Cached | None, *before: Event
    ) -> None:
        now = self.recording.clock.now()
        event = CallFinished(
            at=now,
            call=call_id,
            parent=request.parent,
            what=request.kind,
            name=request.name,
            value=outcome.value,
            fingerprint=request.fingerprint,
            seconds=now - began,
            **self._more(request, call_id, outcome, cached),
        )
        said = [Said(at=now, call=call_id, value=message) for message in outcome.said] if outcome.said else ()
        if request.need is not None:
            self.recording.reservations.answered(request.need.model, outcome.usage.output_tokens)
            self.recording.reservations.release(call_id)
        commits = self.recording.commits
        await (commits.give if request.effects == "pure" else commits.commit)(*before, *said, event)

    def _more(self, request: CallRequest, call_id: str, outcome: Outcome, cached: Cached | None) -> dict[str, Any]:
        """Return what is said of a result where it isn't as usual: most of all what a model was paid."""
        used = outcome.usage
        more: dict[str, Any] = {}
        if used is not NOTHING:
            more |= {name: getattr(used, name) for name in ("requests", "input_tokens", "output_tokens", "cost")}
        if cached is not None:
            more |= {"cached": cached, "source": "cache" if cached.hit else "made"}
        if outcome.is_whole:
            more["replaces"] = tuple(self.recording.state.conversations.heard(request.name, call_id))
        return more

    async def _record_failure(self, request: CallRequest, permit: Permit, failure: Failure, *, final: bool, wait: float = 0.0) -> None:
        # Whoever it goes through on its way up must not count it once more.
        used, failure.usage = failure.usage, Usage()
        event = CallFailed(
            at=self.recording.clock.now(),
            call=permit.call_id,
            parent=request.parent,
            name=request.name,
            attempt=permit.attempt,
            failure=failure.kind,
            type=failure.type_name,
            message=failure.message,
            help=failure.help,
            raised=failure.raised if final else None,
            final=final,
            calls=failure.blamed() if final and request.kind == "agent" else None,
            wait=wait,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cost=used.cost,
        )
        self.recording.commits.note(event)
        self.recording.reservations.release(permit.call_id)
        if final or request.effects == "write":
            await self.recording.commits.commit()
