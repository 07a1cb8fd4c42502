"""The effect boundary: served once recorded, tried again as the policy says, a write never repeated in silence."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from darner.compiler.plan import Plan
from darner.compiler.settings import Backoff, Reaction
from darner.runtime import keys
from darner.runtime.commits import GroupCommit
from darner.runtime.events import CallFailed, CallFinished, CallStarted, Event, RunStarted, TakenUp
from darner.runtime.failures import CallableError, Crashed, Exhausted, Failure, Network, Throttled
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.recording import Recording
from darner.runtime.ports import Approved, CallRequest, Json, Outcome, Permit, Usage
from darner.runtime.retry import Attempts
from darner.runtime.state import fold
from darner.testing import MemoryLog, NoWaiting

from .plans import flow, step

WRITE = CallRequest(parent="s", kind="tool", name="reserve", arguments={"id": 1}, effects="write")
KEYED = CallRequest(parent="s", kind="tool", name="reserve", arguments={"id": 1}, effects="write", idempotent=True)
READ = CallRequest(parent="s", kind="tool", name="search", arguments={"q": "a"}, effects="read")


@dataclass
class Bench:
    """A boundary on a journal in memory, and a tool that counts."""

    log: MemoryLog = field(default_factory=MemoryLog)
    plan: Plan = field(default_factory=lambda: flow(s=step()))
    timeout: float | None = None
    made: list[Permit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = NoWaiting()
        self.state = fold(self.log.events)
        self.commits = GroupCommit(self.log, self.state)
        recording = Recording("run-1", self.plan, self.state, self.commits, self.clock, lambda: 1.0, self.log.load)
        self.boundary = JournaledBoundary(recording, self.timeout)

    def body(self, *results: Json) -> Callable[[Permit], Awaitable[Outcome]]:
        """Return a body that gives one result after the other; a `Failure` among them is raised."""
        waiting = list(results)

        async def perform(permit: Permit) -> Outcome:
            self.made.append(permit)
            result = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(result, BaseException):
                raise result
            return Outcome(result)

        return perform

    def call(self, request: CallRequest, *results: Json) -> Json:
        """Call, in an event loop of its own, and drain."""

        async def drive() -> Json:
            try:
                return await self.boundary.call(request, self.body(*results))
            finally:
                await self.commits.drain()

        return asyncio.run(drive())

    def again(self, *, events: Sequence[Event] | None = None) -> Bench:
        """Return what a resumed run has: the same journal, or some first part of it."""
        taken = TakenUp(at=0.0, epoch=2, owner="x")
        return Bench(MemoryLog([*(self.log.events if events is None else events), taken]), self.plan, self.timeout)


def test_a_finished_call_is_served_and_its_body_not_run() -> None:
    """After a crash the recorded result is given, whatever the callee would say now."""
    first = Bench()
    assert first.call(READ, [1, 2]) == [1, 2]
    second = first.again()
    assert second.call(READ, "something else") == [1, 2]
    assert (len(first.made), len(second.made)) == (1, 0)


def test_equal_calls_are_told_apart_by_their_ordinal_and_others_by_what_they_are() -> None:
    """Parent, kind, name, arguments and ordinal make the identity; the callee's fingerprint doesn't."""
    bench = Bench()
    assert [bench.call(READ, value) for value in ("a", "b")] == ["a", "b"]
    later = bench.again()
    other = CallRequest(parent="s", kind="tool", name="search", arguments={"q": "other"}, effects="read")
    edited = CallRequest(parent="s", kind="tool", name="search", arguments={"q": "a"}, effects="read", fingerprint="edited")
    assert later.call(other, "new") == "new"
    assert [later.call(edited, "x") for _ in range(2)] == ["a", "b"]


class PositionalKeys(keys.Ordinals):
    """A broken variant: identity by position in the run."""

    def identity(self, request: CallRequest) -> str:  # noqa: ARG002 - that it looks at nothing is what is wrong
        """Return a call's number."""
        self._seen[""] += 1
        return str(self._seen[""])


class FingerprintInKeys(keys.Ordinals):
    """A broken variant: the callee's code is part of the identity, so an edited tool repeats its write."""

    def identity(self, request: CallRequest) -> str:
        """Return an identity that changes with the code."""
        return super().identity(request) + request.fingerprint


def _survives(ordinals: Callable[[], keys.Ordinals]) -> bool:
    """Return whether a run whose branches come in another order, with an edited tool, repeats nothing."""
    requests = [CallRequest(parent=name, kind="tool", name="reserve", arguments=name, effects="write", idempotent=True) for name in "abc"]
    first = Bench()
    first.boundary._ordinals = ordinals()
    for request in requests:
        first.call(request, f"of {request.parent}")
    second = first.again()
    second.boundary._ordinals = ordinals()
    edited = [one._replace(fingerprint="edited") for one in reversed(requests)]
    return [second.call(one, "repeated") for one in edited] == [f"of {one.parent}" for one in edited] and not second.made


def test_replay_needs_no_order_and_survives_edited_tools_and_broken_keys_are_caught() -> None:
    """Structural keys pass; positional keys and keys with the callee's code in them don't."""
    assert _survives(keys.Ordinals)
    assert not _survives(PositionalKeys)
    assert not _survives(FingerprintInKeys)


def test_a_network_failure_is_tried_five_times_with_growing_waits() -> None:
    """The language's default: full jitter from 1s, doubling."""
    bench = Bench()
    with pytest.raises(Network, match="down"):
        bench.call(READ, Network("down"))
    assert [permit.attempt for permit in bench.made] == [1, 2, 3, 4, 5]
    assert bench.clock.waited == [1, 2, 4, 8]
    assert len({permit.call_id for permit in bench.made}) == 1
    failures = [one for one in bench.log.events if isinstance(one, CallFailed)]
    assert [one.final for one in failures] == [False, False, False, False, True]


def test_a_later_attempt_can_succeed_and_the_failures_stay_on_record() -> None:
    """The attempt ledger shows what it took."""
    bench = Bench()
    assert bench.call(READ, Crashed("gone"), Network("down", retry_after=7), "here") == "here"
    assert bench.clock.waited == [1, 7]
    [call] = bench.state.calls.values()
    assert (call.begun, [one.failure for one in call.failures]) == (3, ["crashed", "network"])


def test_being_told_to_wait_uses_up_no_attempt() -> None:
    """A 429 is waited for as told, many times over; the attempts are still there afterwards."""
    bench = Bench()
    told = [Throttled("later", retry_after=3)] * 20
    assert bench.call(READ, *told, Network("down"), "here") == "here"
    assert bench.clock.waited == [3] * 20 + [1]


def test_an_error_of_a_callable_is_not_tried_again_unless_the_spec_says_so() -> None:
    """The default for class error is one attempt; `on_failure` gives more."""
    bench = Bench()
    with pytest.raises(CallableError):
        bench.call(READ, CallableError("boom"), "never")
    more = READ._replace(on_failure={"error": Reaction(attempts=2, backoff=Backoff(first=5, last=5))})
    assert Bench().call(more, CallableError("boom"), "here") == "here"


def test_a_call_of_an_agent_passes_its_failure_on() -> None:
    """What failed inside an agent was already tried again there; and a wrong answer isn't asked for again unchanged."""
    agent = CallRequest(
        parent="s", kind="agent", name="a", arguments=1, on_failure={"network": Reaction(attempts=1), "semantic": Reaction(attempts=1)}
    )
    bench = Bench()
    with pytest.raises(Network):
        bench.call(agent, Network("down"))
    assert len(bench.made) == 1


def test_an_attempt_over_its_timeout_is_a_network_failure() -> None:
    """A time-out bounds one attempt, and counts as the taxonomy says; waiting between attempts doesn't count."""
    bench = Bench(timeout=0.02)

    async def never(permit: Permit) -> Outcome:
        bench.made.append(permit)
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(Network, match=r"search took longer than 0\.02s"):
        asyncio.run(bench.boundary.call(READ, never))
    assert len(bench.made) == 5


def _before_the_result(events: Sequence[Event]) -> list[Event]:
    return [one for one in events if not isinstance(one, CallFinished)]


def test_a_write_that_was_cut_off_is_not_repeated_and_says_so() -> None:
    """Intent without result after a crash: it may or may not have happened, and nobody does it again in silence."""
    first = Bench()
    first.call(WRITE, "done")
    second = first.again(events=_before_the_result(first.log.events))
    with pytest.raises(CallableError, match="may or may not have happened") as caught:
        second.call(WRITE, "twice")
    assert second.made == []
    assert "--redo" in str(caught.value.help)
    third = second.again()
    with pytest.raises(CallableError, match="may or may not have happened"):
        third.call(WRITE, "twice")
    assert third.made == []


def test_an_idempotent_write_that_was_cut_off_is_repeated_with_the_same_key() -> None:
    """The key is stable over attempts and resumes, and different for another call and another run."""
    first = Bench()
    first.call(KEYED, Network("lost"), "done")
    second = first.again(events=_before_the_result(first.log.events))
    assert second.call(KEYED, "done") == "done"
    assert len({permit.idempotency_key for permit in (*first.made, *second.made)}) == 1
    other = Bench()
    other.call(KEYED._replace(arguments={"id": 2}), "done")
    assert other.made[0].idempotency_key != first.made[0].idempotency_key
    assert keys.idempotency_key("run-2", first.made[0].call_id) != first.made[0].idempotency_key


def test_a_write_whose_answer_was_lost_is_not_tried_again_and_stays_uncertain() -> None:
    """A time-out or a broken connection doesn't say that a write didn't happen; what the tool itself raised does."""
    bench = Bench()
    with pytest.raises(Network):
        bench.call(WRITE, Network("lost"), "twice")
    assert len(bench.made) == 1
    with pytest.raises(CallableError, match="may or may not"):
        bench.again().call(WRITE, "twice")
    refused = Bench()
    with pytest.raises(CallableError):
        refused.call(WRITE, CallableError("sold out"))
    assert refused.again().call(WRITE, "now") == "now"


class RetriesWrites(JournaledBoundary):
    """A broken variant: every call is tried again, whether it is known that it didn't happen or not."""

    def _delay(self, request: CallRequest, failure: Failure, tried: Attempts) -> float | None:
        """Treat a write like a read."""
        return super()._delay(request._replace(effects="read"), failure, tried)


def _writes_once(kind: type[JournaledBoundary]) -> bool:
    """Return whether a write whose answer was lost happens once; the outside counts."""
    bench = Bench()
    bench.boundary = kind(bench.boundary.recording)
    with contextlib.suppress(Failure):
        bench.call(WRITE, Network("lost"), "twice")
    return len(bench.made) == 1


def test_trying_a_write_again_that_is_not_idempotent_is_caught() -> None:
    """The broken variant writes twice, and is seen."""
    assert _writes_once(JournaledBoundary)
    assert not _writes_once(RetriesWrites)


def _is_intent_first(boundary: JournaledBoundary, bench: Bench) -> bool:
    seen: list[bool] = []

    async def write(_permit: Permit) -> Outcome:
        seen.append(any(isinstance(one, CallStarted) for one in bench.log.events))
        return Outcome("done")

    asyncio.run(boundary.call(WRITE, write))
    return seen == [True]


class NoIntent(JournaledBoundary):
    """A broken variant: the start of a write rides along, like that of a read."""

    async def _permit(self, request: CallRequest, call_id: str, approved: Approved, began: float, first: Sequence[Event]) -> Permit:
        """Note the start, and go on at once."""
        return await super()._permit(request._replace(effects="read"), call_id, approved, began, first)


def test_the_intent_of_a_write_is_durable_before_it_begins() -> None:
    """The broken variant that lets it ride with the result is caught."""
    right, wrong = Bench(), Bench()
    assert _is_intent_first(right.boundary, right)
    assert not _is_intent_first(NoIntent(wrong.boundary.recording), wrong)


def test_a_result_is_durable_before_its_caller_has_it() -> None:
    """When `call` returns, the journal holds the result."""
    bench = Bench()

    async def drive() -> bool:
        await bench.boundary.call(READ, bench.body("x"))
        return any(isinstance(one, CallFinished) for one in bench.log.events)

    assert asyncio.run(drive())


def test_results_of_one_moment_share_one_commit() -> None:
    """A hundred calls that finish together cost a few commits, not a hundred."""
    bench = Bench()

    async def drive() -> None:
        requests = [CallRequest(parent="s", kind="tool", name="t", arguments=number) for number in range(100)]
        await asyncio.gather(*(bench.boundary.call(one, bench.body(number)) for number, one in enumerate(requests)))

    asyncio.run(drive())
    assert len(bench.log.commits) <= 3
    assert sum(isinstance(one, CallFinished) for one in bench.log.events) == 100


class FailingLog(MemoryLog):
    """A journal whose disk is full from the second commit on."""

    def append(self, events: Sequence[Event]) -> None:
        """Keep the first commit, refuse the others."""
        if self.commits:
            raise OSError(28, "No space left on device")
        super().append(events)


def test_when_the_journal_fails_every_caller_hears_of_it() -> None:
    """Nobody goes on from a result that isn't durable, now or later."""
    bench = Bench(FailingLog())
    assert bench.call(READ, 1) == 1
    for number in range(3):
        request = CallRequest(parent="s", kind="tool", name="t", arguments=number)
        with pytest.raises(OSError, match="No space left"):
            bench.call(request, number)


def test_a_budget_that_is_used_up_stops_the_next_model_call() -> None:
    """Cost and tokens are counted from the journal, over resumes too; what is paid for is still served."""
    plan = flow(s=step()).model_copy(update={"budget": Plan.model_validate({"plan": "x", "budget": {"cost": "1.00 USD"}}).budget})
    bench = Bench(plan=plan)

    async def paid(_permit: Permit) -> Outcome:
        return Outcome("answer", Usage(1, 10, 5, Decimal("0.60")))

    def ask(one: Bench, number: int) -> Json:
        return asyncio.run(one.boundary.call(CallRequest(parent="s", kind="model", name="m", arguments=number), paid))

    assert [ask(bench, number) for number in (1, 2)] == ["answer", "answer"]
    with pytest.raises(Exhausted, match=r"budget\.cost: 1\.20 of 1\.00 USD"):
        ask(bench, 3)
    later = bench.again()
    assert [ask(later, number) for number in (1, 2)] == ["answer", "answer"]
    with pytest.raises(Exhausted):
        ask(later, 3)
    assert (later.state.tokens, later.state.cost) == (30, Decimal("1.20"))


def test_the_flows_time_is_counted_from_its_start() -> None:
    """A run over its time begins no further call."""
    started = RunStarted(at=0.0, run="run-1", plan="p")
    plan = flow(s=step()).model_copy(update={"timeout": 60.0})
    with pytest.raises(Exhausted, match="time"):
        Bench(MemoryLog([started]), plan).call(READ, 1)


@pytest.mark.parametrize("seed", range(5))
def test_any_mix_of_failures_ends_in_a_result_or_a_failure_that_is_on_record(seed: int) -> None:
    """Whatever happens, the journal knows how each call ended."""
    chance = random.Random(seed)
    bench = Bench()
    for number in range(30):
        results = [chance.choice([Network("n"), Throttled("t"), Crashed("c"), "ok", CallableError("e")]) for _ in range(6)]
        request = CallRequest(parent="s", kind="tool", name="t", arguments=number)
        try:
            bench.call(request, *results)
        except Failure as failure:
            raised: Failure | None = failure
        else:
            raised = None
        known = bench.state.calls[keys.identity(request, 0)]
        if raised is None:
            assert known.payload is not None
        else:
            assert (known.failures[-1].final, known.failures[-1].failure) == (True, raised.kind)
