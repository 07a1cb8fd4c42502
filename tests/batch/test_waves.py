"""What is learned from a wave that has ended, from the markers that it left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from darner.compiler.settings import FailureClass, OnFailure, Reaction
from darner.runtime.batch.driving.tally import Tally
from darner.runtime.batch.driving.waves import Tries, Waves
from darner.runtime.batch.groups import Allowance, Group
from darner.runtime.batch.markers import Board
from darner.runtime.batch.model import Marker, ShardRef
from darner.runtime.batch.policy import FailurePolicy
from darner.runtime.batch.working.remembered import part_written
from darner.runtime.failures import Corrupt
from darner.runtime.journal import paths
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.retry import TAKEN_AT_MOST

SAID: dict[str, OnFailure] = {"second": {"crashed": Reaction(attempts=2)}}
GROUPS = (Group(0, ("first",)), Group(1, ("second",)))


def _board(folder: Path) -> Board:
    return Board(LocalStore.open(folder), "shop", 1, 1)


def _waves(board: Board, groups: tuple[Group, ...] = GROUPS, **more: Any) -> Waves:
    policies = {stage: FailurePolicy.of(stage, SAID.get(stage, {})) for group in groups for stage in group.stages}
    ladders = dict.fromkeys(range(len(groups)), (Allowance(),) * 3)
    return Waves(Tally(board, groups, {0: 10}), ladders, policies, lambda _, group: group, **more)


def _failed(board: Board, wave: list[tuple[int, Tries]], failure: FailureClass) -> None:
    """Let a worker begin the shard of a wave and fail."""
    attempt, rung = wave[0][1][0]
    board.start(0, ShardRef(0, attempt, rung))
    board.finish(Marker(shard=0, group=0, attempt=attempt, rung=rung, outcome="failed", failure=failure, message="it ended"))


def _done(group: int) -> Marker:
    return Marker(shard=0, group=group, attempt=1, outcome="done")


def test_a_shard_that_is_done_after_its_wave_has_ended_is_not_taken_for_damaged(tmp_path: Path) -> None:
    """One worker was killed, another one finished its shard a moment later: between two looks at the markers."""
    board = _board(tmp_path)
    waves = _waves(board)
    wave = waves.next()
    board.start(0, ShardRef(0))
    board.finish(_done(0))
    assert waves.judge(wave, killed=True, progressed=False) == []
    assert board.read(0, 0) is not None
    waves.tally.refresh()
    assert waves.tally.unfinished() == {0: 1}


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
        lost = waves.judge(wave, killed=False, progressed=False)
    assert [(one.failure, one.attempts, one.stage) for one in lost] == [("oom", 2, "first")]


def test_being_asked_to_leave_uses_up_no_attempt_and_is_given_up_only_where_it_never_ends(tmp_path: Path) -> None:
    """A crash in between still has its three attempts, a wave of workers that left isn't a killed one."""
    board = _board(tmp_path)
    waves = _waves(board)
    for _ in range(TAKEN_AT_MOST - 1):
        wave = waves.next()
        _failed(board, wave, "preempted")
        assert waves.judge(wave, killed=True, progressed=False) == []
    for _ in range(2):
        wave = waves.next()
        _failed(board, wave, "crashed")
        assert waves.judge(wave, killed=False, progressed=False) == []
    wave = waves.next()
    _failed(board, wave, "preempted")
    assert [one.failure for one in waves.judge(wave, killed=False, progressed=False)] == ["preempted"]


def test_a_crash_is_judged_by_the_stage_that_the_shard_was_at(tmp_path: Path) -> None:
    """Two stages in one group: what the second one says of crashes counts once it was reached."""
    board = _board(tmp_path)
    waves = _waves(board, (Group(0, ("first", "second")),))
    wave = waves.next()
    _failed(board, wave, "crashed")
    assert waves.judge(wave, killed=False, progressed=False) == []
    wave = waves.next()
    board.reach(0, ShardRef(0, 2), "second")
    _failed(board, wave, "crashed")
    (lost,) = waves.judge(wave, killed=False, progressed=False)
    assert (lost.stage, lost.failure) == ("second", "crashed")


def test_a_shard_of_a_killed_worker_goes_alone_and_is_given_up_after_two_killed_waves_alone(tmp_path: Path) -> None:
    """Nobody knows which of several shards it was: only what was alone is to blame."""
    board = _board(tmp_path)
    waves = Waves(
        Tally(board, GROUPS[:1], {0: 10, 1: 10}), {0: (Allowance(),)}, {"first": FailurePolicy.of("first", {})}, lambda _, group: group
    )
    for alone in (False, False, True, True):
        wave = waves.next()
        assert len(wave) == (1 if alone else 2)
        for shard, tries in wave:
            board.start(0, ShardRef(shard, tries[0][0]))
        lost = waves.judge(wave, killed=True, progressed=False)
    assert [(one.shard, one.failure) for one in lost] == [(0, "crashed")]
    assert "killed 4 times, 2 times alone" in lost[0].message
