"""A call's start and its end in one record: written as one event, which leads to the same state, and to the same fork."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import Plan, StepPlan
from darner.runtime.events import CallFinished, CallMade, CallStarted, Event, RunStarted, StepFinished, TakenUp
from darner.runtime.fork import Point, prefix
from darner.runtime.journal import blobs, paths, record
from darner.runtime.journal.local_log import take
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.state import fold, fold_for_views

CALL, OTHER = "c" * 32, "d" * 32
BEGUN: list[Event] = [RunStarted(at=1.0, run="r", plan="p"), TakenUp(at=1.5, epoch=1, owner="me")]


def start(call: str = CALL, **more: Any) -> CallStarted:
    return CallStarted(**{"at": 2.0, "call": call, "parent": "pick", "what": "tool", "name": "look", "attempt": 1} | more)


def end(call: str = CALL, **more: Any) -> CallFinished:
    return CallFinished(**{"at": 3.25, "call": call, "parent": "pick", "what": "tool", "name": "look", "value": {"a": 1}} | more)


def read(folder: Path, *commits: list[Event]) -> list[Event]:
    store = open_store(folder)
    log = take(store, "r", owner="a test")
    for one in commits:
        log.append(one)
    log.close()
    return list(read_events(store, "r"))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (start(), end()),
        (start(attempt=3, effects="pure", task="2.1"), end(fingerprint="f" * 64, seconds=1.25, source="cache")),
        (start(what="model"), end(what="model", requests=1, input_tokens=7, output_tokens=5, cost=Decimal("0.25"), value="x" * 20_000)),
        (start(at=1764000000.123456), end(at=1764000000.1234567, value=float("inf"))),
    ],
)
def test_what_stands_for_both_leads_to_the_same_state(tmp_path: Path, first: CallStarted, last: CallFinished) -> None:
    """Every field of the two comes back: tokens, money, tasks and attempts, and a payload that is kept apart."""
    together = read(tmp_path / "one", BEGUN, [first, last], [StepFinished(at=4.0, step="pick", call=CALL)])
    apart = read(tmp_path / "two", BEGUN, [first], [last], [StepFinished(at=4.0, step="pick", call=CALL)])
    assert [one.kind for one in together] == ["run_started", "taken_up", "call_made", "step_finished"]
    assert [one.kind for one in apart] == ["run_started", "taken_up", "call_started", "call_finished", "step_finished"]
    assert fold(together) == fold(apart)
    made = together[2]
    assert isinstance(made, CallMade)
    assert list(made.apart()) == apart[2:4]


def test_a_start_stays_alone_where_its_end_does_not_follow_it_at_once(tmp_path: Path) -> None:
    """Another call between them, or the end of another: the order of a journal is the order in which things happened."""
    events: list[Event] = [
        start(),
        start(OTHER),
        end(),
        end(OTHER),
        start(attempt=2),
        StepFinished(at=4.0, step="s"),
        start(OTHER, attempt=2),
    ]
    assert read(tmp_path, BEGUN, events)[2:] == events


def test_a_fork_has_the_start_and_the_result_as_if_they_stood_apart(tmp_path: Path) -> None:
    """What a call was paid is on the other run's account; where its result is not copied, nothing of the one event is."""
    plan = Plan.model_construct(plan="p", steps={"pick": StepPlan.model_construct(), "pack": StepPlan.model_construct()})
    first, last = start(what="model"), end(what="model", input_tokens=7, cost=Decimal(1))
    done = StepFinished(at=4.0, step="pick", call=CALL)
    together = read(tmp_path / "one", BEGUN, [first, last], [done])
    copied = prefix(together, fold_for_views(together), Point(plan, "pack"))
    assert [one.kind for one in copied] == ["call_started", "call_finished", "step_finished"]
    assert copied[1] == last.model_copy(update={"input_tokens": 0, "cost": Decimal(0), "source": "fork"})
    again = read(tmp_path / "two", [BEGUN[0], *copied])
    assert again[1].kind == "call_made"
    assert fold(again).cost == 0


def test_a_record_of_both_is_as_large_as_one_of_them(tmp_path: Path) -> None:
    """Most of what the two say is the same, and a session of weeks is made of them."""
    store = open_store(tmp_path)
    both: list[Event] = [start(), end()]
    whole, alone = len(blobs.payload(store, "r", both)), len(blobs.payload(store, "r", both[1:]))
    apart = record.encode([(one.kind, one.at, record.body(one)) for one in both])
    assert whole < alone + 64 < len(apart)
    assert not store.exists(paths.run("r"))
