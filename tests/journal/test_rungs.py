"""Which memory rung a node begins with, and what is remembered of it from one run to the next."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from darner.compiler.plan import ResourcesPlan
from darner.runtime.journal import paths
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.journal.rungs import KEPT, forgotten, remember, remembered
from darner.runtime.perform.world import SystemClock
from darner.runtime.rungs import TRIALS, Known, RungKey, first_rung, ladder_digest, learned

from ..desk import Desk

LADDER = ResourcesPlan.model_validate({"memory": "256Mi", "on_oom": [{"memory": "512Mi"}, {"memory": "1Gi"}]})
KEY = RungKey("shop", "classify", ladder_digest(LADDER))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore.open(tmp_path)


def test_a_rung_that_was_needed_is_where_the_next_run_begins(store: LocalStore) -> None:
    """The base is never written; other nodes, other specs and other ladders know nothing of it."""
    remember(store, KEY, 0, now=1.0)
    assert store.names(paths.RUNGS) == []
    remember(store, KEY, 2, now=1.0)
    assert remembered(store, KEY) == 2
    edited = ladder_digest(LADDER.model_copy(update={"on_oom": LADDER.on_oom[:1]}))
    for other in (RungKey("shop", "embed", KEY.ladder), RungKey("stall", "classify", KEY.ladder), RungKey("shop", "classify", edited)):
        assert remembered(store, other) == 0


def test_what_says_nothing_about_memory_leaves_a_ladder_what_it_is() -> None:
    """Workers, an image or a machine that may be taken away change no rung."""
    assert ladder_digest(LADDER.model_copy(update={"spot": True, "workers": 7})) == ladder_digest(LADDER)
    assert ladder_digest(LADDER.model_copy(update={"memory": 300 << 20})) != ladder_digest(LADDER)


def test_after_twenty_runs_the_rung_below_is_tried_and_costs_one_failed_attempt_where_the_need_is_real() -> None:
    """A need that has gone is forgotten rung by rung; one that is real is remembered anew."""
    known = learned(None, 2, 1.0)
    for _ in range(TRIALS):
        assert first_rung(known) == 2
        known = learned(known, 2, 1.0)
    assert first_rung(known) == 1
    assert first_rung(learned(known, 2, 1.0)) == 2, "it ran out of memory on the rung below"
    assert learned(known, 1, 1.0) == Known(rung=1, at=1.0), "the rung below was enough"


def test_a_smaller_rung_of_somebody_who_began_below_teaches_nothing() -> None:
    """A run that began before another one learned more must not undo it."""
    known = Known(rung=2, begun=3, at=1.0)
    assert learned(known, 0, 9.0) is known
    assert learned(known, 1, 9.0) is known


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"rung": "many"}', b'{"rung": -3}', b"\xff\xfe", b'{"rung": 1, "colour": 2}'])
def test_what_is_damaged_is_as_if_it_were_not_there(store: LocalStore, damage: bytes) -> None:
    """Nothing fails for a hint: the base is tried, and what is learned then takes its place."""
    name = paths.rung(KEY.spec, KEY.node, KEY.ladder)
    store.put(name, damage)
    assert remembered(store, KEY) == 0
    assert list(forgotten(store, now=2.0)) == [name]
    remember(store, KEY, 1, now=1.0)
    assert remembered(store, KEY) == 1


def test_many_who_learn_at_once_leave_one_of_their_rungs(store: LocalStore) -> None:
    """No lock, no failure: any of what was learned may be what stays."""
    threads = [threading.Thread(target=remember, args=(store, KEY, number % 2 + 1, 1.0)) for number in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert remembered(store, KEY) in {1, 2}


def test_what_no_run_has_begun_with_for_ninety_days_may_go(store: LocalStore) -> None:
    """An edited ladder leaves its old rungs behind; they go with the garbage."""
    remember(store, KEY, 1, now=1.0)
    assert list(forgotten(store, now=KEPT)) == []
    assert list(forgotten(store, now=KEPT + 2)) == [paths.rung(KEY.spec, KEY.node, KEY.ladder)]


def test_the_command_deletes_what_may_be_forgotten_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`darner gc` names a damaged rung, and one of long ago; one that was just used stays."""
    desk = Desk(tmp_path, capsys)
    store = LocalStore.open(desk.store)
    old, damaged = (RungKey("shop", node, KEY.ladder) for node in ("old", "damaged"))
    remember(store, KEY, 1, now=SystemClock().now())
    remember(store, old, 1, now=1.0)
    store.put(paths.rung("shop", damaged.node, KEY.ladder), b"{")
    assert desk("gc") == 0, desk.err
    assert desk.out.splitlines() == [paths.rung("shop", node, KEY.ladder) for node in ("damaged", "old")]
    assert [remembered(store, one) for one in (KEY, old)] == [1, 0]
