"""A session with questions, approvals and timers survives SIGKILL at every commit."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ..births import told_by
from ..servers import S3Server

SEND = Counter(
    f"send {who}" for what in ("mugs", "pots") for who in (f"customer 0 How many {what} do you want?", f"desk 0 Buy 3 of {what}?")
)
BUY = Counter(["buy 3 mugs", "buy 3 pots"])
FIRST, LAST = 1, 60
EVERY = int(os.environ.get("DARNER_EVERY", "1"))
"""How far apart the commits are at which a session in a bucket is killed."""


def lives(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return what came of sessions that were killed at one commit after the other; see lives.py for the words."""
    return told_by("tests.people.lives", str(folder), *words, environment=environment, timeout=2900)


def check(told: list[dict[str, Any]]) -> None:
    """Check that whatever the commit was, it made no difference, and that the last one was never reached."""
    assert [one["killed"] for one in told] == [1] * (len(told) - 1) + [0]
    for one in told:
        assert (one["status"], one["outputs"]) == ("done", "3 mugs and 3 pots"), one
        assert one["asked"] == ["customer", "desk", "customer", "desk"], one
        assert one["closed"] == ["answer"] * 4, one
        effects = Counter(one["effects"])
        assert Counter({line: count for line, count in effects.items() if line.startswith("buy")}) == BUY, one
        assert not effects - SEND - BUY, one
        assert (one["woken"], one["hints"]) == ([], []), one


@pytest.mark.parametrize("when", [pytest.param("after", marks=pytest.mark.soak), pytest.param("before", marks=pytest.mark.soak)])
def test_killed_at_every_commit_each_question_is_asked_once_and_each_write_done_once(tmp_path: Path, when: str) -> None:
    """Four questions, two writes: as undisturbed, whichever commit it was.

    People are told once, or not at all where the process died while it told them.
    Guards against langgraph#6208 (the whole node runs again, and its question is asked again).
    """
    told = lives(tmp_path, when, str(FIRST), str(LAST))
    assert len(told) > 28
    check(told)


def test_killed_just_before_a_commit_it_is_the_same(tmp_path: Path) -> None:
    """At every seventh commit: what was about to be recorded is done again under the same key, asked under the same name."""
    told = lives(tmp_path, "before", "3", str(LAST), "7")
    assert len(told) >= 4
    check(told)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("when", ["after", "before"])
def test_killed_at_every_commit_a_session_in_a_bucket_is_the_same(tmp_path: Path, s3: S3Server, when: str) -> None:
    """On a real S3 server: answers are exclusive creates there, too. ``DARNER_EVERY=5`` kills at every fifth commit."""
    told = lives(tmp_path / "lives", when, str(FIRST), str(LAST), str(EVERY), s3.url(when), json.dumps(s3.options))
    assert len(told) > 28 // EVERY
    check(told)
