"""What is learned from a wave that has ended, from the markers that it left."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.runtime.batch.driving.tally import Tally
from darner.runtime.batch.driving.waves import Waves
from darner.runtime.batch.groups import Group
from darner.runtime.batch.markers import Board
from darner.runtime.batch.model import Marker, ShardRef
from darner.runtime.batch.working.remembered import part_written
from darner.runtime.failures import Corrupt
from darner.runtime.journal import paths
from darner.runtime.journal.local_store import LocalStore

GROUPS = (Group(0, ("first",)), Group(1, ("second",)))


def _board(folder: Path) -> Board:
    return Board(LocalStore.open(folder), "shop", 1, 1)


def _waves(board: Board) -> Waves:
    return Waves(Tally(board, GROUPS, {0: 10}), {}, {}, lambda _, group: group)


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
