"""Bytes in the store against turns of a conversation, for darner and for others, with the same texts over real HTTP."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from darner.testing import ModelServer

from .curves import Curve, svg
from .peers.course import WORDS
from .report import DOCS, Page, Table
from .runners import Runner

pytestmark = pytest.mark.bench
TURNS = int(os.environ.get("DARNER_BENCH_TURNS", "200"))
MEGA = 1e6
LETTERS_OF_A_TOKEN = 4
COLUMNS = ("", "first half", "whole", "a turn at the end", "of what was said", "bend", "exponent")
CONTESTANTS = (
    Runner("darner", "darner"),
    Runner("LangGraph, list with a reducer", "langgraph", "messages"),
    Runner("LangGraph, DeltaChannel (beta)", "langgraph", "delta"),
    Runner("DBOS, a step gives the list", "dbos", "messages"),
    Runner("DBOS, a step gives the answer", "dbos", "answer"),
)
UNUSUAL = frozenset({"delta", "answer"})


def test_bytes_against_turns(page: Page, tmp_path: Path) -> None:
    """A conversation of 100,000 tokens in 200 turns: what the store holds after each turn beyond what it held before the first."""
    curves, letters = [], 0
    with ModelServer(f"replies: [{{text: {WORDS!r}}}]") as server:
        for one in CONTESTANTS:
            told = one.go("talk", tmp_path / one.peer / (one.way or "way"), turns=TURNS, model=server.base_url).told
            letters = letters or told["letters"]
            assert told["letters"] == letters, f"{one.name} had another conversation"
            curves.append(Curve(one.name, [(size - told["before"]) / MEGA for size in told["sizes"]], is_dashed=one.way in UNUSUAL))
        assert server.requests == TURNS * len(CONTESTANTS)
    page.append(_table(curves, letters))
    page.pictures[DOCS.with_name("bytes.svg")] = svg("Bytes in the store against turns of a conversation", "turns", "MB", curves)
    assert 0.9 < curves[0].bend < 1.1
    assert curves[1].bend > 2


def _table(curves: list[Curve], letters: int) -> Table:
    about = (
        f"![What the store holds against turns: lists that are kept whole grow as a parabola](bytes.svg)\n\n{TURNS} turns, at the end "
        f"{letters / LETTERS_OF_A_TOKEN:,.0f} tokens ({letters / MEGA:.2f} MB of text), a model on loopback. What is in the store beyond "
        "what was there before the first turn; a database without its write-ahead log, a journal without the room made ahead. "
        "bend: what the second half adds over what the first half adds (1 is a straight line, 3 a parabola); exponent: the power of the "
        "turn that fits best. Target: a straight line."
    )
    found = Table("Bytes in the store against turns", COLUMNS, about)
    for one in curves:
        middle, end = one.sizes[len(one.sizes) // 2 - 1], one.sizes[-1]
        tenth = max(len(one.sizes) // 10, 1)
        last = (end - one.sizes[-1 - tenth]) / tenth * MEGA / 1e3
        share = f"{end * MEGA / letters:.1f} times"
        found.add(one.name, f"{middle:.2f} MB", f"{end:.2f} MB", f"{last:,.1f} kB", share, f"{one.bend:.2f}", f"{one.exponent:.2f}")
    found.notes.append(
        "What others keep depends on how it is written (dashed: the way that is straight). LangGraph keeps a channel whole at each "
        "checkpoint, unless it is a DeltaChannel (in beta; whole every hundred turns). DBOS keeps what a step gives back: the answer, or "
        "all of the list. darner keeps each message once for the conversation, and each answer as the result of its model call and of "
        "its agent, too."
    )
    return found
