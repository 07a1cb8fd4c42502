"""A session with questions, approvals and timers survives SIGKILL at every commit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SEND = Counter(
    f"send {who}" for what in ("mugs", "pots") for who in (f"customer 0 How many {what} do you want?", f"desk 0 Buy 3 of {what}?")
)
BUY = Counter(["buy 3 mugs", "buy 3 pots"])
LAST = 60


def lives(folder: Path, when: str) -> list[dict[str, Any]]:
    """Return what came of sessions that were killed at one commit after the other."""
    command = [sys.executable, str(Path(__file__).with_name("lives.py")), str(folder), when, "1", str(LAST)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("when", ["after", pytest.param("before", marks=pytest.mark.soak)])
def test_killed_at_every_commit_each_question_is_asked_once_and_each_write_done_once(tmp_path: Path, when: str) -> None:
    """Four questions, two writes: as undisturbed, whichever commit it was.

    People are told once, or not at all where the process died while it told them.
    Guards against langgraph#6208 (the whole node runs again, and its question is asked again).
    """
    told = lives(tmp_path, when)
    assert len(told) > 28
    assert [one["killed"] for one in told] == [1] * (len(told) - 1) + [0]
    for one in told:
        assert (one["status"], one["outputs"]) == ("done", "3 mugs and 3 pots"), one
        assert one["asked"] == ["customer", "desk", "customer", "desk"], one
        assert one["closed"] == ["answer"] * 4, one
        effects = Counter(one["effects"])
        assert Counter({line: count for line, count in effects.items() if line.startswith("buy")}) == BUY, one
        assert not effects - SEND - BUY, one
        assert (one["woken"], one["hints"]) == ([], []), one
