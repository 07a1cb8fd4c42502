"""specs/travel: a conversation of weeks, life after life."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from darner.runtime.project.load import compile_spec

from ..births import told_by

HERE = Path(__file__).resolve().parent
WAITING = 3
QUESTIONS = [["traveller", "Where would you like to go, and for how long?"], ["desk", "Book 3 nights at Grand Hotel Lisbon?"]]


def weeks(folder: Path, how: str) -> dict[str, Any]:
    """Return what came of it."""
    [told] = told_by("tests.travel.weeks", str(folder), how)
    return dict(told)


@pytest.mark.parametrize("how", ["called", "silent"])
def test_weeks_pass_and_nobody_is_asked_twice(tmp_path: Path, how: str) -> None:
    """Asked, answered, approved, booked once, asleep on day 13, awake on day 15; who has called is heard, and not asked again."""
    told = weeks(tmp_path, how)
    assert told["lives"][:4] == [WAITING, WAITING, WAITING, "asleep"]
    assert len(told["bookings"]) == 1
    assert told["bookings"][0].endswith("Ada: 3 nights at Grand Hotel Lisbon")
    assert told["requests"] == 1
    if how == "called":
        assert told["lives"][4:] == [0, "done"]
        assert told["asked"][:2] == QUESTIONS
        assert told["outputs"]["heard"] == "I lost my suitcase"
    else:
        assert told["lives"][4:] == ["waiting"]
        assert told["asked"] == [*QUESTIONS, ["traveller", "Welcome back! How was it?"]]


def test_it_compiles_without_a_finding() -> None:
    """As it stands."""
    assert compile_spec(HERE.parents[1] / "specs" / "travel").plan.plan == "travel"
