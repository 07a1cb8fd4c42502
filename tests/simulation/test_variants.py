"""Broken variants of the engine, and the test that catches each: a check that can't fail proves nothing."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan, ToolPlan
from darner.runtime.answers import Answer
from darner.runtime.commits import GroupCommit
from darner.runtime.events import CallFinished, TakenUp
from darner.runtime.failures import CallableError, Crashed, Exhausted, Failure, Network
from darner.runtime.journal import paths
from darner.runtime.journal.store import open_store
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.people import desk
from darner.runtime.perform.recording import Recording
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.tools import UNKEPT, Tools
from darner.runtime.ports import Boundary, CallRequest, Json, Outcome, Permit, Store, Usage
from darner.runtime.retry import Attempts
from darner.runtime.state import RunState, fold
from darner.testing import MemoryBoundary, MemoryLog, ModelServer, NoWaiting

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Caught:
    """A broken variant: the name under which it is code, the file that holds it, and the test in which it fails."""

    variant: str
    code: str
    file: str
    test: str


TABLE = {
    "journal/test_bucket_log.py": (
        ("epoch in the segment's name", "EpochInName", "test_with_the_epoch_in_the_name_nothing_would_be_fenced"),
        ("fence compacted away", "ForgetsFences", "test_a_fence_stays_when_what_is_around_it_is_packed"),
        ("ack before write, in a bucket", "AcknowledgesFirst", "test_append_returns_only_when_its_events_can_be_read"),
        ("blob after its segment", "BlobAfterItsSegment", "test_a_payload_is_durable_before_the_segment_that_names_it"),
        ("snapshot without tail", "packs_only", "test_packs_without_what_came_after_them_would_be_an_old_state"),
    ),
    "journal/test_log.py": (
        ("ack before write, in a folder", "AcknowledgesFirst", "test_append_returns_only_when_its_events_are_in_the_file"),
        ("blob after its record", "BlobAfterItsRecord", "test_a_payload_is_durable_before_the_record_that_names_it"),
    ),
    "journal/test_bucket_store.py": (
        ("a server that ignores conditions", "IgnoresConditions", "test_a_server_that_ignores_conditional_writes_is_refused"),
    ),
    "simulation/test_seeds.py": (
        ("positional keys", "PositionalKeys", "test_keys_that_are_wrong_are_caught"),
        ("callee fingerprint in the identity", "CodeInKeys", "test_keys_that_are_wrong_are_caught"),
    ),
    "orchestrating/test_tasks.py": (
        ("uuid counted per run", "OneForAll", "test_counting_per_run_is_caught"),
        ("equal calls given to whoever comes", "AnyOfThem", "test_giving_equal_calls_to_whoever_comes_first_is_caught"),
    ),
    "flow/test_boundary.py": (
        ("intent dropped", "NoIntent", "test_the_intent_of_a_write_is_durable_before_it_begins"),
        ("retry of a non-idempotent write", "RetriesWrites", "test_trying_a_write_again_that_is_not_idempotent_is_caught"),
    ),
    "simulation/test_variants.py": (
        ("write repeated after a server crash", "TriesAgain", "test_a_write_whose_server_died_is_not_repeated"),
        ("a write's result that can't be kept, as a failure", "CountsAsFailed", "test_a_write_whose_result_can_t_be_kept_has_happened"),
        ("two answers and a time-out", "give_blindly", "test_two_answers_and_a_time_out_of_one_moment_have_one_winner"),
        ("limiter reset by a crash", "forgetful", "test_a_crash_resets_no_limit"),
        ("truncated stream recorded as whole", "BelievesTheStream", "test_a_stream_that_broke_off_is_never_on_record"),
    ),
    "simulation/test_broken.py": (
        ("a lost outcome", "LosesTheLast", "test_a_broken_engine_is_caught_by_the_examples_that_are_tried_every_time"),
        ("a child that outlives its branch", "LivesOn", "test_a_broken_engine_is_caught_by_the_examples_that_are_tried_every_time"),
        ("a waiter who is never woken", "NeverGivesBack", "test_who_waits_for_money_is_woken"),
        ("a bound exceeded by one", "raised", "test_a_bound_that_is_exceeded_by_one_is_caught"),
        ("attempts from 0 after a resume", "from_nought", "test_attempts_that_begin_at_nought_in_each_life_are_caught_by_their_number"),
    ),
    "people/test_approvals.py": (
        ("answer not consumed", "Remembering", "test_two_equal_writes_need_two_approvals_and_the_variant_that_consumes_none_is_caught"),
    ),
    "people/test_wakers.py": (("two wakers", "wake_without_a_lock", "test_two_wakers_that_trust_their_own_look_are_caught"),),
    "views/test_fork.py": (("bare intents in a fork", "assert_no_intent", "test_a_fork_that_copied_open_intents_would_be_caught"),),
    "cache/test_scopes.py": (
        ("cache scope ignored", "ignoring_scopes", "test_users_are_apart_and_a_cache_that_ignored_its_scope_would_be_caught"),
    ),
    "agents/test_history.py": (
        ("what a call goes on with looked up late", "LookedUpLate", "test_what_a_call_goes_on_with_is_settled_when_it_first_begins"),
    ),
    "agents/test_growth.py": (("every turn writes the whole conversation", "repeated", "test_a_curve_of_repeated_histories_is_caught"),),
    "mcp/test_servers.py": (("MCP server left behind", "UNGUARDED", "test_without_the_guard_something_would_be_left"),),
    "connectors/test_conformance_catches.py": (
        ("a zombie's late upsert", "IgnoresGenerations", "test_a_sink_that_breaks_a_promise_is_caught"),
    ),
    "batch/test_commits.py": (("append without an intent", "WithoutIntent", "test_an_append_without_an_intent_would_be_found_out"),),
}
VARIANTS = [Caught(variant, code, file, test) for file, rows in TABLE.items() for variant, code, test in rows]


@lru_cache
def parsed(file: str) -> tuple[str, dict[str, str]]:
    """Return a test file's text, and the text of each of its top-level definitions, by name, with decorators and tables."""
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found[node.name] = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    return text, found


@pytest.mark.parametrize("one", VARIANTS, ids=lambda one: one.variant)
def test_each_broken_variant_is_code_and_has_a_test(one: Caught) -> None:
    """Its name is in its file, and in its test or in a table that the test is run over."""
    text, found = parsed(one.file)
    assert one.test in found, f"{one.file} has no {one.test}"
    assert text.count(one.code) >= 2, f"{one.code} isn't used in {one.file}"


@dataclass
class Bench:
    """A boundary on a journal in memory, life after life."""

    plan: Plan = field(default_factory=lambda: Plan(plan="p"))
    kind: type[JournaledBoundary] = JournaledBoundary
    folding: Callable[[Sequence[Any]], RunState] = fold
    log: MemoryLog = field(default_factory=MemoryLog)

    def live(self, work: Callable[[Boundary], Any]) -> None:
        """Do something with a boundary, in a process of its own, so to say; failures are its end."""
        state = self.folding(self.log.events)
        commits = GroupCommit(self.log, state)
        boundary = self.kind(Recording("r", self.plan, state, commits, NoWaiting(), lambda: 1.0, self.log.load))

        async def drive() -> None:
            await commits.commit(TakenUp(at=0.0, epoch=self.log.epoch, owner="x"))
            try:
                await work(boundary)
            finally:
                await commits.drain()

        with contextlib.suppress(Failure):
            asyncio.run(drive())
        self.log = MemoryLog(self.log.events)


class TriesAgain(JournaledBoundary):
    """A broken variant: where the process behind a tool died, it is started and asked again, whatever the tool does."""

    def _delay(self, request: CallRequest, failure: Failure, tried: Attempts) -> float | None:
        if isinstance(failure, Crashed) and tried.failed < 3:
            return 0.0
        return super()._delay(request, failure, tried)


def _times_written(kind: type[JournaledBoundary]) -> int:
    times = 0
    write = CallRequest(parent="s", kind="tool", name="pay", arguments=1, effects="write")

    async def body(_permit: Permit) -> Outcome:
        nonlocal times
        times += 1
        raise Crashed("its server ended")

    bench = Bench(kind=kind)
    for _ in range(2):
        bench.live(lambda boundary: boundary.call(write, body))
    return times


def test_a_write_whose_server_died_is_not_repeated() -> None:
    """Neither at once nor by the next owner: nobody knows whether it happened."""
    assert _times_written(JournaledBoundary) == 1
    assert _times_written(TriesAgain) > 1


WRITTEN: list[str] = []


def sold(item: str) -> Any:
    """Sell something, and return what nobody can keep."""
    WRITTEN.append(item)
    return {"lock": threading.Lock()}


class CountsAsFailed(Tools):
    """A broken variant: a write whose result can't be kept is a failed attempt, and so it is done again."""

    async def _perform(self, tool: ToolPlan, offered: Any, given: dict[str, Any], cage: Any, permit: Permit) -> Outcome:
        outcome = await super()._perform(tool, offered, given, cage, permit)
        if isinstance(outcome.value, dict) and UNKEPT in outcome.value:
            raise CallableError(outcome.value[UNKEPT])
        return outcome


@pytest.mark.parametrize(("kind", "times"), [(Tools, 1), (CountsAsFailed, 2)])
def test_a_write_whose_result_can_t_be_kept_has_happened(kind: type[Tools], times: int) -> None:
    """Two owners ask for it, one after the other: it is done once; the variant does it twice."""
    WRITTEN.clear()
    plan = Plan(plan="p", tools={"sell": ToolPlan.model_validate({"use": f"{__name__}:sold", "effects": "write"})})
    bench = Bench(plan)
    with contextlib.closing(kind(plan, secrets=EnvironmentSecrets({}))) as tools:
        for _ in range(2):
            bench.live(lambda boundary: tools.call(boundary, "sell", {"item": "mug"}, parent="s"))
    assert len(WRITTEN) == times


def give_blindly(store: Store, run_id: str, question: str, answer: Answer, looked: threading.Barrier) -> Answer:
    """A broken variant: looks whether there is an answer, and then writes its own. All look before anybody writes."""
    first = desk.look(store, run_id, question)
    looked.wait(60)
    if first is not None:
        return first
    store.put(paths.answer(run_id, question), answer.text())
    return answer


def give(store: Store, run_id: str, question: str, answer: Answer, looked: threading.Barrier) -> Answer:
    """What the engine does, after the same look."""
    desk.look(store, run_id, question)
    looked.wait(60)
    return desk.give(store, run_id, question, answer)


def _winners(store: Store, giving: Callable[[Store, str, str, Answer, threading.Barrier], Answer]) -> set[str]:
    looked, seen = threading.Barrier(3), list[str]()
    rivals = [Answer("answer", 1, "ada"), Answer("answer", 2, "bob"), Answer("timeout")]
    threads = [threading.Thread(target=lambda one=one: seen.append(repr(giving(store, "r", "q", one, looked)))) for one in rivals]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return set(seen)


def test_two_answers_and_a_time_out_of_one_moment_have_one_winner(tmp_path: Path) -> None:
    """Everybody is told of the same one; whoever looks before writing believes in themselves."""
    assert len(_winners(open_store(tmp_path / "right"), give)) == 1
    assert len(_winners(open_store(tmp_path / "broken"), give_blindly)) == 3


def forgetful(events: Sequence[Any]) -> RunState:
    """A broken variant: what was used is counted by the process, so a crash gives everything back."""
    return fold(
        [one.model_copy(update={"input_tokens": 0, "output_tokens": 0}) if isinstance(one, CallFinished) else one for one in events]
    )


def _paid(folding: Callable[[Sequence[Any]], RunState]) -> int:
    paid = 0

    async def body(_permit: Permit) -> Outcome:
        nonlocal paid
        paid += 1
        return Outcome("answer", Usage(1, 60, 40))

    async def ask(boundary: Boundary) -> None:
        before = paid
        for number in range(9):
            await boundary.call(CallRequest(parent="s", kind="model", name="m", arguments=number), body)
            if paid == before + 2:
                raise Exhausted("stands for a crash after every second new answer")

    bench = Bench(Plan.model_validate({"plan": "p", "budget": {"tokens": 300}}), folding=folding)
    for _ in range(5):
        bench.live(ask)
    return paid


def test_a_crash_resets_no_limit() -> None:
    """300 tokens are three answers of 100, over however many processes."""
    assert _paid(fold) == 3
    assert _paid(forgetful) > 3


def test_a_stream_that_broke_off_is_never_on_record() -> None:
    """It ends well as far as HTTP goes, without the word that it is finished. The variant takes it for an answer."""
    pytest.importorskip("pydantic_ai")
    from pydantic_ai.messages import ModelRequest, ModelResponse, UserPromptPart  # noqa: PLC0415 - only with agents
    from pydantic_ai.models import ModelRequestParameters  # noqa: PLC0415 - likewise

    from darner.compiler.plan import ModelPlan  # noqa: PLC0415 - likewise
    from darner.compiler.settings import Limits  # noqa: PLC0415 - likewise
    from darner.runtime.perform.agents.models import Models  # noqa: PLC0415 - likewise
    from darner.runtime.perform.agents.recorded_model import Asking, Meter, RecordedModel  # noqa: PLC0415 - likewise
    from darner.runtime.perform.agents.trail import Trail  # noqa: PLC0415 - likewise

    class BelievesTheStream(RecordedModel):
        """A broken variant: what has arrived when a stream ends is the answer."""

        async def _response(self, name: str, messages: Any, settings: Any, parameters: Any) -> ModelResponse:
            async with self._models.model(name).request_stream(messages, settings, parameters) as stream:
                with contextlib.suppress(Exception):
                    async for _ in stream:
                        pass
                return stream.get()

    async def asked(kind: type[RecordedModel], address: str) -> dict[str, Json]:
        plan = ModelPlan.model_validate({"use": "openai:scripted", "base_url": address, "params": {"stream": True}})
        models, boundary = Models({"small": plan}, secrets=EnvironmentSecrets({})), MemoryBoundary()
        asking = Asking(boundary, "s", Meter("writer", Limits()), {}, Trail("writer", 1), "Hello")
        try:
            await kind(models, "small", asking).request([ModelRequest(parts=[UserPromptPart("Hello")])], None, ModelRequestParameters())
        except Network:
            pass
        finally:
            await models.close()
        return boundary.recorded.results

    for broken in ("unfinished", "truncated"):
        with ModelServer(f"replies: [{{fail: {{broken: {broken}}}}}]") as server:
            assert asyncio.run(asked(RecordedModel, server.base_url)) == {}
            assert "at breaks of" in str(asyncio.run(asked(BelievesTheStream, server.base_url)))
