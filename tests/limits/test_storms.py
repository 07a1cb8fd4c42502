"""Storms of 429: many sessions in several processes against a server that allows so many requests, and no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from darner.runtime.testing.allowance import Allowance, Form

from .storming import Storm, storm


def test_sessions_of_two_processes_share_what_a_provider_allows(tmp_path: Path) -> None:
    """Agents over real HTTP, ten a second for four seconds: hardly any is refused, nobody is left out."""
    seen = storm(tmp_path, Allowance("600/min", form="date"), seconds=4.0, processes=2, sessions=3)
    assert seen.failed == 0
    assert seen.denied <= 2
    assert 8 <= seen.passed <= 52
    assert min(seen.by_session.values()) >= 1


@pytest.mark.soak
def test_a_rate_that_nobody_declared_is_learnt_by_all_processes_together(tmp_path: Path) -> None:
    """What one is refused, all know: with nothing declared, far fewer are refused than where each learns for itself."""
    together = storm(tmp_path / "1", Allowance("1200/min"), seconds=4.0, processes=2, sessions=6, is_declared=False, is_light=True)
    apart = storm(tmp_path / "2", Allowance("1200/min"), seconds=4.0, processes=2, sessions=6, is_light=True, is_shared=False)
    assert together.refused < 0.5 * apart.refused, "the broken variant: each session keeps to all of the rate by itself"
    assert together.failed == apart.failed == 0


def test_a_provider_that_tells_its_limits_is_taken_at_its_word(tmp_path: Path) -> None:
    """Nothing is declared; the headers of the first answers say how many are allowed."""
    seen = storm(
        tmp_path,
        Allowance("600/min", counts="window", tells_limits=True),
        seconds=3.0,
        processes=1,
        sessions=5,
        is_declared=False,
        is_light=True,
    )
    assert seen.denied == 0
    assert 5 <= seen.passed <= 45


def _told(seen: Storm) -> str:
    return f"used {seen.used:.1%}, refused {seen.refused:.2%}, fewest to most {seen.fairness:.2f}, failed {seen.failed}"


@pytest.mark.soak
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_fifty_workers_use_what_is_allowed_for_a_minute(tmp_path: Path, form: Form) -> None:
    """6,000 a minute, five processes with ten sessions each: at least 95 % of it used, at most 2 % refused, nobody starved."""
    seen = storm(tmp_path, Allowance("6000/min", form=form), seconds=60.0, processes=5, sessions=10, is_light=True)
    assert seen.used >= 0.95, _told(seen)
    assert seen.refused <= 0.02, _told(seen)
    assert seen.fairness >= 0.5, _told(seen)
    assert seen.failed == 0, _told(seen)


@pytest.mark.parametrize(
    ("form", "pattern"), [("seconds", r"[1-9]\d*"), ("date", r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"), ("milliseconds", r"\d+")]
)
def test_a_server_tells_when_to_come_again_in_each_form(form: Form, pattern: str) -> None:
    """A bucket of ten is empty after ten; a tenth of a second later there is one more."""
    allow = Allowance("600/min", form=form)
    assert [allow.judge(0.0)[0] for _ in range(11)] == [True] * 10 + [False]
    told = allow.judge(0.0)[1]
    assert re.fullmatch(pattern, next(iter(told.values())))
    assert allow.judge(0.11)[0]
    assert (allow.passed, allow.refused) == (11, 2)


def test_a_server_may_count_in_windows(tmp_path: Path) -> None:
    """All of a minute's at once, nothing until it is over, all of it again."""
    del tmp_path
    allow = Allowance("3/min", counts="window", form="milliseconds", tells_limits=True)
    assert [allow.judge(10.0 + at)[0] for at in (0, 1, 2, 3, 59)] == [True, True, True, False, False]
    assert allow.judge(65.0)[1]["retry-after-ms"] == "5000"
    passes, told = allow.judge(70.0)
    assert passes
    assert (told["x-ratelimit-limit-requests"], told["x-ratelimit-remaining-requests"]) == ("3", "2")
