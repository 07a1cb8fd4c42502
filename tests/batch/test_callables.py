"""Stage shapes: what each calls, and what becomes of rows that fail."""

# ruff: noqa: D101 - small types of a test
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import BaseModel

from darner.compiler.plan import StagePlan
from darner.compiler.settings import Backoff, OnFailure, Reaction
from darner.runtime.batch.columns import row_type
from darner.runtime.batch.outcomes import Dead, Done, Filtered
from darner.runtime.batch.policy import FailurePolicy, StageFailure
from darner.runtime.batch.working.arrow_stage import ArrowCaller
from darner.runtime.batch.working.callables import AsyncCaller, BatchCaller, Caller, RowCaller, built
from darner.runtime.failures import CallableError, Exhausted, OutOfMemory, Semantic, Throttled
from darner.runtime.retry import Attempts


class Item(BaseModel):
    number: int


ITEM = row_type(Item)
ITEMS = [Item(number=number) for number in range(10)]
AGAIN: OnFailure = {"network": Reaction(attempts=3, backoff=Backoff(first=0.01, last=0.02))}


def _policy(said: OnFailure | None = None) -> FailurePolicy:
    return FailurePolicy.of("stage", said or {})


def _fails_for(*numbers: int) -> Callable[[Item], Item | None]:
    def function(item: Item) -> Item | None:
        if item.number in numbers:
            raise ValueError(f"not {item.number}")
        return None if item.number == 9 else item

    return function


def test_a_row_that_raises_is_a_dead_letter_and_none_is_filtered() -> None:
    """The others are done, in order."""
    outcomes = RowCaller(_fails_for(3), ITEM, _policy(), filters=True).run(ITEMS, None)
    assert [type(one) for one in outcomes] == [Done, Done, Done, Dead, Done, Done, Done, Done, Done, Filtered]
    assert outcomes[3] == Dead("error", "ValueError", "not 3", 1)


def test_none_from_a_stage_that_may_not_filter_is_a_dead_letter() -> None:
    """A forgotten return is not taken for a filter."""
    outcomes = RowCaller(_fails_for(), ITEM, _policy(), filters=False).run(ITEMS, None)
    assert isinstance(outcomes[9], Dead)
    assert outcomes[9].failure == "semantic"


def test_a_failure_is_tried_as_often_as_its_class_says() -> None:
    """Attempts belong to the class: a network error is tried again, an error is not."""
    calls: list[int] = []

    def function(item: Item) -> Item:
        calls.append(item.number)
        if item.number == 1 and calls.count(1) < 3:
            raise ConnectionError("broken off")
        if item.number == 2:
            raise TimeoutError("never")
        if item.number == 3:
            raise LookupError("wrong")
        return item

    outcomes = RowCaller(function, ITEM, _policy(AGAIN), filters=False).run(ITEMS[:4], None)
    assert [calls.count(number) for number in range(4)] == [1, 3, 3, 1]
    assert outcomes[1] == Done(ITEMS[1])
    assert outcomes[2] == Dead("network", "TimeoutError", "never", 3)


def test_then_says_what_becomes_of_a_row() -> None:
    """`skip` leaves it out, `fail` ends the run with the row's own error."""
    skip, fail = ({"error": Reaction(then=then)} for then in ("skip", "fail"))
    assert RowCaller(_fails_for(0), ITEM, _policy(skip), filters=False).run(ITEMS[:1], None) == [Filtered()]  # type: ignore[arg-type] # literal
    with pytest.raises(StageFailure, match="stage stage: not 0"):
        RowCaller(_fails_for(0), ITEM, _policy(fail), filters=False).run(ITEMS[:1], None)  # type: ignore[arg-type] # literal


def test_a_class_that_says_nothing_of_the_end_goes_by_what_is_said_of_exhausted_once_attempts_are_used_up() -> None:
    """One attempt uses nothing up; what the class itself says counts before."""
    said: OnFailure = {"exhausted": Reaction(then="skip"), "crashed": Reaction(attempts=5), "oom": Reaction(then="dead_letter")}
    policy = _policy(said)
    assert policy.then("crashed", used_up=True) == "skip"
    assert policy.then("error", used_up=False) is None
    assert policy.then("oom", used_up=True) == "dead_letter"


def test_a_stage_s_reactions_lie_over_those_of_its_agent_which_has_tried_again_by_itself() -> None:
    """What comes out of an agent is tried no more, and counts as used up."""
    agent: OnFailure = {"semantic": Reaction(then="skip"), "network": Reaction(attempts=9, then="fail")}
    policy = FailurePolicy.of_agent("stage", agent, {"network": Reaction(then="dead_letter"), "exhausted": Reaction(then="skip")})
    assert policy.wait(ConnectionError("no"), Attempts(failed=1)) is None
    assert policy.settle(Semantic("no colour"), 1) == Filtered()
    assert policy.settle(ConnectionError("no"), 1) == Dead("network", "ConnectionError", "no", 1)
    assert policy.settle(Exhausted("no money"), 1) == policy.settle(LookupError("odd"), 1) == Filtered()


def test_a_throttled_row_waits_as_it_is_told_and_uses_up_no_attempt() -> None:
    """Seven refusals with a time, one connection that breaks off, and the row is done: as with a model's calls."""
    calls: list[int] = []

    def function(item: Item) -> Item:
        calls.append(item.number)
        if len(calls) <= 7:
            raise Throttled("later", retry_after=0.01)
        if len(calls) == 8:
            raise ConnectionError("broken off")
        return item

    again: OnFailure = {"network": Reaction(attempts=2, backoff=Backoff(first=0.01, last=0.01))}
    assert RowCaller(function, ITEM, _policy(again), filters=False).run(ITEMS[:1], None) == [Done(ITEMS[0])]
    assert len(calls) == 9


@pytest.mark.parametrize("bad", [set(), {0}, {4, 5}, {9}, set(range(10))])
def test_a_bad_row_costs_its_batch_nothing(bad: set[int]) -> None:
    """A failing batch is halved until the bad rows stand alone."""

    def function(items: list[Item]) -> list[Item]:
        if any(item.number in bad for item in items):
            raise ValueError("one of these")
        return items

    outcomes = BatchCaller(function, ITEM, _policy(), 4).run(ITEMS, None)
    assert {index for index, one in enumerate(outcomes) if isinstance(one, Dead)} == bad
    assert [one.value for one in outcomes if isinstance(one, Done)] == [item for item in ITEMS if item.number not in bad]


def test_batches_are_as_large_as_the_stage_or_its_rung_says() -> None:
    """The rung's size takes the place of the stage's."""
    sizes: list[int] = []

    def function(items: list[Item]) -> list[Item]:
        sizes.append(len(items))
        return items

    caller = BatchCaller(function, ITEM, _policy(), 4)
    caller.run(ITEMS, None)
    caller.run(ITEMS, 7)
    assert sizes == [4, 4, 2, 7, 3]


def test_a_batch_of_another_length_is_never_taken() -> None:
    """Rows that can't be matched to their keys are dead letters."""
    outcomes = BatchCaller(lambda items: [*items, items[0]], ITEM, _policy(), 4).run(ITEMS[:2], None)
    assert [one.type for one in outcomes if isinstance(one, Dead)] == ["WrongLength", "WrongLength"]


def test_async_rows_run_at_once_and_keep_their_order() -> None:
    """`concurrency` bounds how many."""
    running, most = 0, 0

    async def function(item: Item) -> Item:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02 if item.number else 0.1)
        running -= 1
        if item.number == 4:
            raise ValueError("four")
        return item

    with asyncio.Runner() as runner:
        outcomes = AsyncCaller(function, ITEM, _policy(), runner, 5, filters=False).run(ITEMS, None)
    assert most == 5
    assert [one.value.number for one in outcomes if isinstance(one, Done)] == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_async_rows_are_tried_again_without_holding_the_others_up() -> None:
    """A wait belongs to its row."""
    seen: list[int] = []

    async def function(item: Item) -> Item:
        seen.append(item.number)
        if item.number == 0:
            raise ConnectionError("no")
        return item

    slow: OnFailure = {"network": Reaction(attempts=2, backoff=Backoff(first=0.3, last=0.3))}
    began = time.monotonic()
    with asyncio.Runner() as runner:
        outcomes = AsyncCaller(function, ITEM, _policy(slow), runner, 3, filters=False).run(ITEMS, None)
    assert outcomes[0] == Dead("network", "ConnectionError", "no", 2)
    assert seen.index(9) < len(seen) - 1
    assert time.monotonic() - began < 5


def test_a_row_whose_work_is_cancelled_is_a_dead_letter_and_those_behind_it_are_done() -> None:
    """Nobody cancels the shard: what the row waited for was cancelled, by its client or by itself. No row is lost, or filtered."""

    async def function(item: Item) -> Item:
        if item.number == 1:
            raise asyncio.CancelledError
        if item.number == 2:
            waited_for = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_soon(waited_for.cancel, "the pool is closed")
            await waited_for
        return item

    for concurrency in (1, 3):
        with asyncio.Runner() as runner:
            outcomes = AsyncCaller(function, ITEM, _policy(), runner, concurrency, filters=True).run(ITEMS, None)
        dead = {place: one.message for place, one in enumerate(outcomes) if isinstance(one, Dead) and one.type == "CancelledError"}
        assert dead == {1: "what it waited for was cancelled", 2: "what it waited for was cancelled: the pool is closed"}
        assert [one.value.number for one in outcomes if isinstance(one, Done)] == [0, 3, 4, 5, 6, 7, 8, 9]


def test_a_callable_that_cancels_the_task_that_calls_it_ends_the_run_and_no_row_is_lost() -> None:
    """The rows behind it would never be done, and nobody would know."""

    async def function(item: Item) -> Item:
        task = asyncio.current_task()
        if item.number == 1 and task is not None:
            task.cancel()
        await asyncio.sleep(0)
        return item

    with asyncio.Runner() as runner, pytest.raises(CallableError, match="9 rows were left undone"):
        AsyncCaller(function, ITEM, _policy(), runner, 1, filters=True).run(ITEMS, None)


def test_a_row_that_ends_the_run_cancels_the_others_and_they_are_no_dead_letters() -> None:
    """What the spec says of the one is raised; the others are done when the run goes on."""
    told: list[int] = []

    async def function(item: Item) -> Item:
        await asyncio.sleep(0 if item.number == 3 else 30)
        raise ValueError(f"not {item.number}")

    fail: OnFailure = {"error": Reaction(then="fail")}
    with asyncio.Runner() as runner, pytest.raises(StageFailure, match="not 3"):
        AsyncCaller(function, ITEM, _policy(fail), runner, 5, filters=True).run(ITEMS, None, lambda place, _: told.append(place))
    assert told == []


@pytest.mark.parametrize("kind", ["row", "batch", "async"])
def test_memory_is_the_process_s_failure_and_never_a_row_s(kind: str) -> None:
    """MemoryError and a device's out-of-memory leave the stage at once: the ladder answers, not the dead letter."""
    device = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch.cuda"})

    def raises(error: BaseException) -> Any:
        def function(_: Any) -> Any:
            raise error

        async def later(_: Any) -> Any:
            raise error

        return later if kind == "async" else function

    for error, expected in ((MemoryError(), MemoryError), (device("full"), OutOfMemory)):
        with asyncio.Runner() as runner:
            callers: dict[str, Caller] = {
                "row": RowCaller(raises(error), ITEM, _policy(), filters=False),
                "batch": BatchCaller(raises(error), ITEM, _policy(), 4),
                "async": AsyncCaller(raises(error), ITEM, _policy(), runner, 4, filters=False),
            }
            with pytest.raises(expected):
                callers[kind].run(ITEMS, None)


BATCH = pa.RecordBatch.from_pydict({"_key": [f"k{number}" for number in range(6)], "n": list(range(6))})


def _arrow(function: Any, **more: Any) -> ArrowCaller:
    return ArrowCaller(function, _policy(), more.pop("size", None), **more)


def test_an_arrow_stage_is_passed_the_key_and_filters_by_leaving_it_out() -> None:
    """Rows are matched by `_key`; without it by their number."""
    kept = _arrow(lambda batch: batch.filter(pc.greater(batch.column("n"), pa.scalar(2)))).run(BATCH, None)
    assert (kept.done, kept.filtered, kept.table.to_pydict()) == ([3, 4, 5], [0, 1, 2], {"n": [3, 4, 5]})
    plain = _arrow(lambda batch: batch.select(["n"]), size=4).run(BATCH, None)
    assert (plain.done, plain.table.num_rows) == ([0, 1, 2, 3, 4, 5], 6)


def test_a_bad_row_of_an_arrow_batch_stands_alone_at_the_end() -> None:
    """Arrow batches are halved like the others."""

    def function(batch: pa.RecordBatch) -> pa.RecordBatch:
        if 4 in batch.column("n").to_pylist():
            raise ValueError("four")
        return batch

    result = _arrow(function).run(BATCH, None)
    assert (result.done, [place for place, _ in result.dead]) == ([0, 1, 2, 3, 5], [4])


def test_a_column_that_is_all_null_in_one_call_has_the_type_that_the_others_give_it() -> None:
    """Arrow calls it a column of nulls; an output type isn't declared, and need not be."""

    def function(batch: pa.RecordBatch) -> pa.RecordBatch:
        numbers = batch.column("n").to_pylist()
        return pa.RecordBatch.from_pydict({"found": numbers if 4 in numbers else [None] * len(numbers)})

    assert _arrow(function, size=2).run(BATCH, None).table.to_pydict() == {"found": [None, None, None, None, 4, 5]}


@pytest.mark.parametrize(
    ("function", "type_name"),
    [
        (lambda batch: batch.select(["n"]).slice(1), "WrongLength"),
        (lambda batch: batch.set_column(0, "_key", pa.array(["x"] * batch.num_rows)), "WrongKey"),
        (lambda batch: batch.to_pylist(), "WrongType"),
    ],
)
def test_an_arrow_batch_that_can_not_be_matched_is_never_taken(function: Any, type_name: str) -> None:
    """Rows never get another row's key."""
    result = _arrow(function).run(BATCH, None)
    assert (result.done, {dead.type for _, dead in result.dead}) == ([], {type_name})


def test_a_bound_parameter_reaches_a_constructor_as_the_type_it_asks_for(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`${params.x}` is text in the plan, and a number where the annotation says so; a class that can't be built says why."""
    (tmp_path / "adders_of_a_test.py").write_text(
        "class Adder:\n    def __init__(self, add: int) -> None:\n        self.add = 1 // add\n    def __call__(self, item): return item\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    stage = StagePlan.model_validate(
        {"shape": "row", "runs": "adders_of_a_test:Adder", "built_once": True, "with": {"add": "${params.by}"}}
    )
    made: Any = built(stage, {"by": 1})
    assert made.add == 1
    with pytest.raises(CallableError, match="ZeroDivisionError"):
        built(stage, {"by": 0})
