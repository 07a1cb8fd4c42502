"""`darner why RUN STEP`: made, served, tried again, skipped, waiting."""

from __future__ import annotations

from .desk import HERE, Desk


def test_a_step_that_never_began_says_what_it_waits_for(desk: Desk) -> None:
    """A failed step holds up what depends on it; its own failure is told with the call that had it."""
    assert desk.trip(["Oslo", "Rome?"]) == 1
    assert desk("why", "r1", "booked") == 0
    assert "booked  open" in desk.out
    assert "waits for prices (failed)" in desk.out
    assert desk("why", "r1", "prices[1]") == 0
    assert "failed with error: ValueError: the tool price raised ValueError: nobody knows" in desk.out
    told = desk.asked("why", "r1", "prices")
    assert [(one["step"], one["status"]) for one in told["calls"]] == [("prices[0]", "done"), ("prices[1]", "failed")]


def test_a_step_that_waits_for_people_says_for_whom_and_with_what(desk: Desk) -> None:
    """It is `waiting`, as `darner show` says too; what comes after it waits for the step, and once answered it is done.

    (It was `open`, and waited for nothing.)
    """
    spec = HERE / "asking.yaml"
    assert desk("run", str(spec), "--set", f"log={desk.log}", "-i", "traveller=ada", "--run", "r1") == 3
    assert desk("why", "r1", "town") == 0
    assert desk.out.startswith("r1  town  waiting\n  waits for clerk: Which town, ")
    assert desk.asked("why", "r1", "town")["waits"][0].startswith("for clerk: ")
    assert desk("why", "r1", "towns") == 0
    assert desk.out == "r1  towns  open\n  waits for town (open)\n"
    assert desk("answer", "r1", "Oslo", "--resume") == 3
    assert desk("why", "r1", "booked") == 0
    assert "waits for chief: May this be booked?" in desk.out
    assert desk("why", "r1", "town") == 0
    assert "waits" not in desk.out


def test_a_call_that_was_tried_again_says_how_often(desk: Desk) -> None:
    """After a fix the run is taken up again, and the failed call is made once more."""
    assert desk.trip(["Rome?"]) == 1
    (desk.folder / "calls.log.fixed").touch()
    assert desk("resume", "r1") == 0
    assert desk("why", "r1", "prices") == 0
    assert "made, after 2 attempts" in desk.out
    assert "taken up 2 times" in desk.out


def test_a_copied_result_and_an_unknown_step_are_told(desk: Desk) -> None:
    """A fork's results say that they are copied; a misspelt step is refused with the right one."""
    assert desk.trip(["Oslo"]) == 0
    assert desk("fork", "r1", "--at", "booked", "--run", "r2") == 0
    assert desk("why", "r2", "prices") == 0
    assert "copied with the run that this is a fork of" in desk.out
    assert desk("why", "r2", "bookd") == 2
    assert "booked" in desk.err
