"""Bytes in the store against turns of a conversation: a straight line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest

from darner.compiler.plan import Plan

from .growing import SAID, bend, bytes_by_turn, calls_of_one_agent, run, turns_of_one_call

TURNS = 200


@pytest.mark.parametrize("shape", [pytest.param(calls_of_one_agent, marks=pytest.mark.soak), turns_of_one_call])
def test_bytes_in_the_store_grow_in_a_straight_line(tmp_path: Path, shape: Callable[[int], tuple[Plan, str]]) -> None:
    """Two hundred turns, a hundred thousand tokens: each turn costs what it says, a few times over, and no turn the whole before it.

    Guards against langchain-ai/langgraph#7547 (250 MB a thread at 100k tokens) and temporalio/sdk-python#1890 (99.8 % of a
    history was repeated model input, and a conversation of 209k tokens died at call 53 of 100).
    """
    run(*shape(TURNS), tmp_path)
    sizes = bytes_by_turn(tmp_path)
    assert len(sizes) == TURNS
    per_turn = (sizes[-1] - sizes[0]) / (TURNS - 1)
    assert per_turn < 5 * 2 * len(SAID)
    assert 0.95 < bend(sizes) < 1.05


def test_a_curve_of_repeated_histories_is_caught() -> None:
    """Broken variant: every turn writes all that was said so far."""
    assert bend(list(accumulate(n * 2 * len(SAID) for n in range(TURNS)))) > 2.5
