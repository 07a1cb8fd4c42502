"""What is learned from a wave that has ended, from the markers that it left."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from darner.compiler.settings import FailureClass, OnFailure, Reaction
from darner.runtime.batch.attempts import JobLedger
from darner.runtime.batch.driving.tally import Tally
from darner.runtime.batch.driving.waves import Tries, Waves
from darner.runtime.batch.groups import Allowance, Group
from darner.runtime.batch.markers import Board
from darner.runtime.batch.model import Marker, ShardRef
from darner.runtime.batch.outcomes import DEAD_SCHEMA, Dead, DeadLetter
from darner.runtime.batch.policy import FailurePolicy
from darner.runtime.batch.working.metering import Used
from darner.runtime.batch.working.remembered import part_written
from darner.runtime.batch.working.spending import spent
from darner.runtime.failures import Corrupt, Exhausted
from darner.runtime.journal import paths
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.ledger import Totals
from darner.runtime.perform.world import SystemClock
from darner.runtime.retry import TAKEN_AT_MOST

SAID: dict[str, OnFailure] = {"second": {"crashed": Reaction(attempts=2)}}
GROUPS = (Group(0, ("first",)), Group(1, ("second",)))


def _board(folder: Path) -> Board:
    return Board(LocalStore.open(folder), "shop", 1, 1)


def _waves(board: Board, groups: tuple[Group, ...] = GROUPS, **more: Any) -> Waves:
    policies = {stage: FailurePolicy.of(stage, SAID.get(stage, {})) for group in groups for stage in group.stages}
    ladders = dict.fromkeys(range(len(groups)), (Allowance(),) * 3)
    shards = more.pop("shards", {0: 10})
    ledger = JobLedger(board.store, "shop", 1)
    more = {"timer": itertools.count(0, 100).__next__, **more}  # any wait is over when somebody looks again
    return Waves(Tally(board, groups, shards), ladders, policies, lambda _, group: group, ledger, SystemClock(), **more)


def _failed(board: Board, wave: list[tuple[int, Tries]], failure: FailureClass) -> None:
    """Let a worker begin the shard of a wave and fail."""
    attempt, rung = wave[0][1][0]
    board.start(0, ShardRef(0, attempt, rung))
    told: dict[FailureClass, Totals] = {failure: Totals(attempts=1, calls=int(attempt == 1))}
    board.finish(Marker(shard=0, group=0, attempt=attempt, rung=rung, outcome="failed", failure=failure, message="it ended", failures=told))


def _done(group: int) -> Marker:
    return Marker(shard=0, group=group, attempt=1, outcome="done")


class _SlowlyFailing:
    """A store that takes its time for what says that a shard failed."""

    def __init__(self, store: LocalStore, began: threading.Event) -> None:
        self._store = store
        self._began = began

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, name: str, content: bytes) -> None:
        """Write an object."""
        if b'"failed"' in content:
            self._began.set()
            time.sleep(0.2)
        self._store.put(name, content)


def test_what_is_done_stays_done_though_a_notice_to_leave_is_being_written_down(tmp_path: Path) -> None:
    """A worker says so from another thread, at the moment in which its shard ends: the shard must not be paid for twice."""
    began = threading.Event()
    store: Any = _SlowlyFailing(LocalStore.open(tmp_path), began)
    board = Board(store, "shop", 1, 1)
    first, leaving = (Marker(shard=0, group=0, attempt=attempt, outcome="failed", failure="preempted") for attempt in (1, 2))
    board.finish(first)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(board.finish, leaving)
        assert began.wait(10)
        board.finish(Marker(shard=0, group=0, attempt=2, outcome="done"))
    marker = board.read(0, 0)
    assert marker is not None
    assert marker.outcome == "done"


def test_half_of_a_surrogate_pair_in_a_message_is_marked_and_buried_as_its_escape(tmp_path: Path) -> None:
    """It stands in the message of many an OSError, and has no bytes: a row's error must not end the run, nor a shard's go unmarked."""
    said = "no such file: \udce9t\u00e9"
    board = _board(tmp_path)
    board.finish(Marker(shard=0, group=0, attempt=1, outcome="failed", failure="error", message=said))
    marker = board.read(0, 0)
    assert marker is not None
    assert marker.message == "no such file: \\udce9té"
    letter = DeadLetter("p1", None, "first", Dead("error", "OSError", said), "null")
    assert pa.Table.from_pylist([letter.row()], schema=DEAD_SCHEMA)["message"].to_pylist() == [marker.message]


def test_a_shard_that_is_done_after_its_wave_has_ended_is_not_taken_for_damaged(tmp_path: Path) -> None:
    """One worker was killed, another one finished its shard a moment later: between two looks at the markers."""
    board = _board(tmp_path)
    waves = _waves(board)
    wave = waves.next()
    board.start(0, ShardRef(0))
    board.finish(_done(0))
    assert waves.judge(wave, killed="crashed", progressed=False) == []
    assert board.read(0, 0) is not None
    waves.tally.refresh()
    assert waves.tally.unfinished() == {0: 1}


def test_waves_in_which_nobody_begins_anything_come_to_an_end(tmp_path: Path) -> None:
    """As where workers take another machine of the driver's name for its own, and find no driver there: nothing would ever happen."""
    waves = _waves(_board(tmp_path))
    for _ in range(7):
        assert waves.judge(waves.next(), killed=None, progressed=False) == []
    waves.tally.board.start(0, ShardRef(0))
    assert waves.judge(waves.next(), killed=None, progressed=False) == []
    for _ in range(7):
        assert waves.judge(waves.next(), killed=None, progressed=False) == []
    with pytest.raises(Exhausted, match="no worker had begun"):
        waves.judge(waves.next(), killed=None, progressed=False)


def test_a_shard_of_which_something_is_always_damaged_is_given_up(tmp_path: Path) -> None:
    """Three times, then the store is at fault."""
    board = _board(tmp_path)
    waves = _waves(board)
    for _ in range(3):
        board.finish(_done(0))
        board.finish(_done(1))
        waves.tally.refresh()
        waves.again(0, 0, "parts/first/000000.arrow is gone")
        assert waves.tally.unfinished() == {0: 0}
        assert board.finished(1) == set()
    with pytest.raises(Corrupt, match=r"000000\.arrow is gone; shard 0 was done again 3 times"):
        waves.again(0, 0, "parts/first/000000.arrow is gone")


def test_what_a_killed_worker_or_a_stranger_leaves_among_the_markers_is_no_marker(tmp_path: Path) -> None:
    """Half of one, an empty one, a copy that an editor made: none is an outcome, and none is darner's own fault."""
    board = _board(tmp_path)
    board.finish(_done(0))
    board.start(0, ShardRef(0))
    half = Path(str(board.store.local_path(paths.marker("shop", 1, 0, 1))))
    half.write_text('{"shard": 1, "gro')
    half.with_name("000002.json").touch()
    half.with_name("000000.json~").touch()
    half.with_name("notes.txt").write_text("look here")
    (half.parents[2] / "started" / "00" / "notes.txt").touch()
    tally = Tally(board, GROUPS, {0: 10, 1: 10, 2: 10})
    tally.refresh()
    assert set(tally.done[0]) == {0}
    assert board.started(0) == {0: 1}
    assert part_written(board.store, paths.part("shop", 1, "first", 1)) is None


def test_a_shard_climbs_one_rung_a_wave_from_where_earlier_runs_began_and_ends_on_the_last(tmp_path: Path) -> None:
    """Each wave begins on the next rung; on the last one the failure is the shard's."""
    board = _board(tmp_path)
    waves = _waves(board, first={0: 1})
    for attempt, rung in ((1, 1), (2, 2)):
        wave = waves.next()
        assert wave[0][1][0] == (attempt, rung)
        _failed(board, wave, "oom")
        lost = waves.judge(wave, killed=None, progressed=False)
    assert [(one.failure, one.attempts, one.stage) for one in lost] == [("oom", 2, "first")]


def test_being_asked_to_leave_uses_up_no_attempt_and_is_given_up_only_where_it_never_ends(tmp_path: Path) -> None:
    """A crash in between still has its three attempts, a wave of workers that left isn't a killed one."""
    board = _board(tmp_path)
    waves = _waves(board)
    for _ in range(TAKEN_AT_MOST - 1):
        wave = waves.next()
        _failed(board, wave, "preempted")
        assert waves.judge(wave, killed="crashed", progressed=False) == []
    for _ in range(2):
        wave = waves.next()
        _failed(board, wave, "crashed")
        assert waves.judge(wave, killed=None, progressed=False) == []
    wave = waves.next()
    _failed(board, wave, "preempted")
    assert [one.failure for one in waves.judge(wave, killed=None, progressed=False)] == ["preempted"]


def test_a_crash_is_judged_by_the_stage_that_the_shard_was_at(tmp_path: Path) -> None:
    """Two stages in one group: what the second one says of crashes counts once it was reached."""
    board = _board(tmp_path)
    waves = _waves(board, (Group(0, ("first", "second")),))
    wave = waves.next()
    _failed(board, wave, "crashed")
    assert waves.judge(wave, killed=None, progressed=False) == []
    wave = waves.next()
    board.reach(0, ShardRef(0, 2), "second")
    _failed(board, wave, "crashed")
    (lost,) = waves.judge(wave, killed=None, progressed=False)
    assert (lost.stage, lost.failure) == ("second", "crashed")


def test_a_shard_of_a_killed_worker_goes_alone_and_is_given_up_after_two_killed_waves_alone(tmp_path: Path) -> None:
    """Nobody knows which of several shards it was: only what was alone is to blame."""
    board = _board(tmp_path)
    waves = _waves(board, GROUPS[:1], shards={0: 10, 1: 10})
    for alone in (False, False, True, True):
        wave = waves.next()
        assert len(wave) == (1 if alone else 2)
        for shard, tries in wave:
            board.start(0, ShardRef(shard, tries[0][0]))
        lost = waves.judge(wave, killed="crashed", progressed=False)
    assert [(one.shard, one.failure) for one in lost] == [(0, "crashed")]
    assert "killed 4 times, 2 times alone" in lost[0].message


def _spent(board: Board) -> dict[str, tuple[int, int]]:
    """Return what the ledger says of each class: attempts, calls."""
    return {str(kind): (one.attempts, one.calls) for kind, one in spent(board.store, "shop", 1).failures.items()}


def test_a_shard_whose_worker_died_without_a_word_is_counted_once_whoever_drives(tmp_path: Path) -> None:
    """By the end of its wave, with the time since it began, or by the next driver where the driver died too; the others aren't."""
    board = _board(tmp_path)
    waves = _waves(board, GROUPS[:1], shards={0: 10, 1: 10, 2: 10})
    wave = waves.next()
    board.start(0, ShardRef(0), at=SystemClock().now() - 60)
    board.start(0, ShardRef(1))
    waves.judge(wave, killed="oom", progressed=False)
    assert _spent(board) == {"oom": (2, 2)}
    assert 60 <= spent(board.store, "shop", 1).failures["oom"].seconds < 660
    for shard, tries in waves.next():
        board.start(0, ShardRef(shard, tries[0][0]))
    for _ in range(2):
        _waves(board, GROUPS[:1], shards={0: 10, 1: 10, 2: 10}).resume()
    assert _spent(board) == {"oom": (2, 2), "crashed": (3, 3)}


def test_what_a_driver_stopped_counts_as_preempted_and_what_it_did_not_count_is_counted_by_the_next(tmp_path: Path) -> None:
    """It asked its workers to stop; one had no time to say so. Another shard's worker had said why it failed."""
    board = _board(tmp_path)
    waves = _waves(board, GROUPS[:1], shards={0: 10, 1: 10})
    waves.next()
    board.start(0, ShardRef(0))
    board.start(0, ShardRef(1))
    board.finish(Marker(shard=1, group=0, attempt=1, outcome="failed", failure="crashed", message="it ended", seconds=2.5))
    board.stop()
    after = _waves(Board(board.store, "shop", 1, 2), GROUPS[:1], shards={0: 10, 1: 10})
    after.resume()
    assert _spent(board) == {"preempted": (1, 1), "crashed": (1, 1)}
    assert after.crashes[0, 1] == 1, "attempts are counted on"


def test_a_shard_that_crashes_is_waited_for_longer_each_time_and_others_go_on_meanwhile(tmp_path: Path) -> None:
    """Full jitter up to 1s, then 2s; what was waited stands in the ledger; after the third there is no other attempt."""
    board, now = _board(tmp_path), [0.0]
    waves = _waves(board, GROUPS[:1], shards={0: 10, 1: 10}, timer=lambda: now[0])
    waited = 0.0
    for times in (1, 2):
        wave = [one for one in waves.next() if one[0] == 0]
        _failed(board, wave, "crashed")
        assert waves.judge(wave, killed=None, progressed=False) == []
        wait = waves.until[0] - now[0]
        assert 0 < wait <= 2.0 ** (times - 1)
        waited += wait
        assert [shard for shard, _ in waves.next()] == [1]
        assert waves.pause() == 0, "the other one is ready"
        board.finish(_done(0).model_copy(update={"shard": 1}))
        waves.tally.refresh()
        assert waves.next() == []
        assert waves.pause() == pytest.approx(wait)
        now[0] = waves.until[0]
        assert [tries[0] for _, tries in waves.next()] == [(times + 1, 0)]
        waves.tally.done[0].clear()
        board.forget(0, 1)
    _failed(board, [one for one in waves.next() if one[0] == 0], "crashed")
    (lost,) = waves.judge(wave := waves.next(), killed=None, progressed=False)
    assert (lost.failure, lost.attempts, len(wave)) == ("crashed", 3, 2)
    assert _spent(board) == {"crashed": (3, 1)}
    assert spent(board.store, "shop", 1).failures["crashed"].waited == pytest.approx(waited)
    assert JobLedger(board.store, "shop", 1).crashes(0, 0) == 0, "whoever takes the shard up again tries anew"


def test_what_a_shard_had_cost_that_is_made_again_still_counts_and_nothing_twice(tmp_path: Path) -> None:
    """Its failed rows, calls, tokens and money: before it is made again, after that, and if its driver dies in between."""
    board = _board(tmp_path)
    waves = _waves(board, GROUPS[:1])
    used = Used(3, 70, Decimal("0.25"), {"semantic": Totals(attempts=2, calls=1)})
    made = _done(0).model_copy(update={**used.as_dict(), "worker": "here:1"})
    board.start(0, ShardRef(0))
    board.finish(made)
    waves.tally.refresh()
    assert spent(board.store, "shop", 1) == used
    waves.again(0, 0, "parts/first/000000.arrow is gone")
    assert spent(board.store, "shop", 1) == used
    board.finish(made)
    assert spent(board.store, "shop", 1) == used, "a driver that is killed before it takes the marker away"
    waves.again(0, 0, "parts/first/000000.arrow is gone")
    board.finish(made.model_copy(update={"attempt": 2}))
    assert spent(board.store, "shop", 1) == used + used


def test_a_shard_that_its_worker_finished_after_all_has_not_crashed(tmp_path: Path) -> None:
    """It outlived its wave; its rows that are dead letters, though, did crash."""
    board = _board(tmp_path)
    waves = _waves(board, GROUPS[:1])
    wave = waves.next()
    board.start(0, ShardRef(0))
    waves.judge(wave, killed="crashed", progressed=False)
    board.finish(_done(0))
    assert _spent(board) == {"crashed": (1, 1)}
    board.forget(0, 0)
    board.finish(_done(0).model_copy(update={"worker": "here:1"}))
    assert _spent(board) == {}


KILLED = """\
import os, sys
from darner.runtime.perform.processes.groups import control_group, own_kills
group = control_group(os.getpid(), 96 << 20)
if group is None or own_kills() is None:
    sys.exit("no control group")
before, worker = own_kills(), os.fork()
if worker == 0:
    open("/proc/self/oom_score_adj", "w").write("1000")
    held = bytearray(400 << 20)
    held[::4096] = b"x" * len(held[::4096])
    os._exit(0)
print(os.WTERMSIG(os.waitpid(worker, 0)[1]), own_kills() - before)
"""


def test_a_worker_that_the_kernel_killed_for_memory_is_told_by_the_counter_of_the_driver_s_group() -> None:
    """A process that really allocates more than its group may have, and is killed: the bare SIGKILL says nothing, the counter does."""
    ended = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False, timeout=120)
    if ended.returncode == -signal.SIGKILL or "no control group" in ended.stderr:
        pytest.skip("control groups can't be made here, or the kernel kills all of one")
    assert ended.stdout.split() == ["9", "1"], ended.stderr
