"""Orchestrators that misbehave: the run ends, says what is wrong, and keeps what is on record."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ..births import Midwife
from .conftest import Journey


@pytest.fixture
def run(births: Midwife, tmp_path: Path) -> Any:
    """Return what runs an orchestrator in one of its manners."""

    def behave(how: str) -> tuple[Any, Journey]:
        journey = Journey(births, tmp_path, "unruly.yaml", {"how": how})
        return journey.go(), journey

    return behave


def test_its_own_exception_fails_the_step_with_its_type(run: Any) -> None:
    """And nothing else; a run can be resumed after a fix."""
    told, journey = run("raises")
    assert told["status"] == "failed"
    assert "raised Odd: odd" in told["error"]
    journey.edit("tours/unruly.py", 'raise Odd("odd")', 'return "even"')
    assert journey.go()["outputs"] == "even"


def test_one_that_exits_ends_its_step_and_not_the_run(run: Any) -> None:
    """`sys.exit` inside a task would end the process."""
    told, _ = run("exits")
    assert told["status"] == "failed"
    assert "SystemExit" in told["error"]


def test_one_that_blocks_the_loop_is_lived_through(run: Any) -> None:
    """Everything else stands still meanwhile, and goes on."""
    told, _ = run("blocks")
    assert (told["status"], told["outputs"]) == ("done", "mo")


def test_one_that_swallows_its_cancellation_is_ended_all_the_same(run: Any) -> None:
    """Its time is limited; it is asked to end three times, then its code is closed."""
    began = time.monotonic()
    told, _ = run("never_ends")
    assert told["status"] == "failed"
    assert "limits.time: 2s" in told["error"]
    assert time.monotonic() - began < 60


def test_what_it_never_awaited_is_cancelled_and_a_write_goes_to_its_end(run: Any) -> None:
    """Nobody is left in the dark about a write that began; a read is let go of."""
    told, journey = run("leaves_tasks")
    assert (told["status"], told["outputs"]) == ("done", "left True True")
    assert len(journey.effects) == 1
    assert journey.effects[0].startswith("slow ")


def test_one_that_calls_for_ever_is_stopped_by_its_limit(run: Any) -> None:
    """The limit counts calls of one execution, served ones too, so a resume comes to the same end."""
    told, journey = run("calls_for_ever")
    assert told["status"] == "failed"
    assert "odd has used up its limits.calls: 5" in told["error"]
    again = journey.go()
    assert again["status"] == "failed"
    assert len(journey.effects) == 5


def test_a_failure_that_it_caught_is_not_tried_again_on_a_resume(births: Midwife, tmp_path: Path) -> None:
    """It arrives with its class; after a crash it is raised again from the journal, and its callee isn't asked."""
    journey = Journey(births, tmp_path, "unruly.yaml", {"how": "catches"})
    assert journey.go(dies_with="timer_set") is None
    told = journey.go()
    assert (told["status"], told["outputs"]) == ("done", "after nobody there (7), Network")
    assert journey.effects.count("failing 7") == 1
    assert len(journey.effects) == 2


def test_a_moment_in_a_thread_is_refused(run: Any) -> None:
    """Nobody could say whose it is after a crash."""
    told, _ = run("moment_in_a_thread")
    assert told["status"] == "failed"
    assert "darner.uuid() was called in a thread" in told["error"]


def test_what_it_does_to_a_result_stays_its_own_affair(run: Any) -> None:
    """The record isn't changed by changing what was read from it."""
    told, _ = run("changes_what_it_was_given")
    assert told["outputs"] == "changed mo"


def test_a_run_whose_processes_are_killed_again_and_again_is_given_up(births: Midwife, tmp_path: Path) -> None:
    """Three owners in a row without a new result: exhausted; a person may try again, and whatever helps then counts."""
    journey = Journey(births, tmp_path)
    for _ in range(3):
        assert journey.go(dies_at=2, before=True) is None
    told = journey.go()
    assert told["status"] == "failed"
    assert told["error"].startswith("exhausted: 3 processes in a row were killed")
    assert journey.go()["status"] == "done"
