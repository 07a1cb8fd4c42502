"""`darner gc`, `darner ps`: what a store holds, and what it may let go of."""

from __future__ import annotations

from .desk import Desk


def test_old_finished_runs_go_whole_and_their_ids_are_never_used_again(desk: Desk) -> None:
    """--dry touches nothing; a run that was never finished stays; a deleted id is refused."""
    assert desk.trip(["Oslo"], run="done") == 0
    assert desk.trip(["Rome?"], run="failed") == 1
    assert desk.trip(["Bonn"], run="open") == 0
    assert desk("fork", "open", "--at", "booked", "--run", "fork") == 0
    assert desk.asked("gc")["runs"] == []
    assert desk.asked("gc", "--older-than", "0s", "--dry")["runs"] == ["done", "failed", "open"]
    assert len(desk.asked("ps")["runs"]) == 4
    assert desk("gc", "--older-than", "0s") == 0
    assert [one["run"] for one in desk.asked("ps")["runs"]] == ["fork"]
    assert desk("show", "done") == 2
    assert "deleted" in desk.err
    assert desk.trip(["Oslo"], run="done") == 2
    assert "not used again" in desk.err
    assert desk("resume", "fork") == 0, desk.err


def test_what_it_frees_is_counted_in_bytes(desk: Desk) -> None:
    """As many as its files take, said beforehand, and then."""
    assert desk.trip(["Oslo"], run="done") == 0
    folder = desk.store / "runs" / "done"
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    assert desk.asked("gc", "--older-than", "0s", "--dry")["bytes"] == size > 1000
    assert desk("gc", "--older-than", "0s") == 0
    assert desk.err.endswith(f"are gone: {size:,} bytes\n")
    assert not folder.exists()
    assert desk.asked("gc", "--older-than", "0s")["bytes"] == 0


def test_an_age_that_is_none_is_refused(desk: Desk) -> None:
    """`--older-than soon` says how an age is written."""
    assert desk("gc", "--older-than", "soon") == 2
    assert "30d" in desk.err


def test_ps_says_how_each_run_stands(desk: Desk) -> None:
    """Status, error, cost and what a fork came from, newest first; as text one line a run."""
    assert desk.trip(["Oslo"], run="a") == 0
    assert desk.trip(["Rome?"], run="b") == 1
    assert desk("fork", "a", "--at", "booked", "--run", "c") == 0
    told = desk.asked("ps")
    assert [(one["run"], one["status"], one["forked"]) for one in told["runs"]] == [
        ("c", "interrupted", "a at booked"),
        ("b", "failed", None),
        ("a", "done", None),
    ]
    assert desk("ps") == 0
    assert [line.split("  ")[:2] for line in desk.out.splitlines()] == [["c", "interrupted"], ["b", "failed"], ["a", "done"]]
