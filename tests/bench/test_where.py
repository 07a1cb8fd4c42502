"""Where darner's time goes: one session, a thousand sessions, a session gone on with."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten

import pytest

from .pinned import ROOT
from .report import Page, Table
from .runners import Runner, Turn
from .test_sessions import EACH, LONG, SESSIONS, STEPS

pytestmark = pytest.mark.bench
MICRO = 1e6
WIDE = 60
LEAST = 0.025
"""The share of the time below which a room is among the rest."""
SAID = {
    "sync": "the journal's fsync or fdatasync",
    "waiting": "other threads: appends while the disk is slow, plain functions",
    "loop": "asyncio's own",
    "code": "the steps themselves",
}
ABOUT = (
    "Samples of the main thread every 2 ms, by the innermost file of darner (what the standard library and pydantic do counts for "
    "whoever called them); µs a step, and the share. One session: Python in control over an async function. Sessions at once: one run, "
    "a map; where no fsync stands out there, it is Python that limits them. Gone on with: a step is a served call, and the reading of "
    "the journal is in it."
)


def test_where_the_time_goes(page: Page, tmp_path: Path) -> None:
    """Three measurements once more, with a timer's signal that asks where the process is."""
    one, many = Runner("one session", "darner", "async"), Runner("sessions at once", "darner", "map")
    long = Runner("gone on with", "darner")
    long.die("die", tmp_path / "long" / "first", steps=LONG)
    alone = one.go("sequence", tmp_path / "one", steps=2 * STEPS, sampled=None)
    beside = many.go("sessions", tmp_path / "many", sessions=SESSIONS, steps=EACH, sampled=None)
    again = long.go("resume", tmp_path / "long" / "first", steps=LONG, sampled=None)
    turns = {
        f"one session of {2 * STEPS:,}": (alone, 2 * STEPS),
        f"{SESSIONS:,} sessions of {EACH}": (beside, SESSIONS * EACH),
        f"gone on with after {LONG:,}": (again, LONG),
    }
    page.append(_table(turns))


def _table(turns: Mapping[str, tuple[Turn, int]]) -> Table:
    found = Table("Where the time goes", ("", *turns), ABOUT)
    shares = {title: _shares(turn) for title, (turn, _) in turns.items()}
    rooms = {room for of in shares.values() for room, share in of.items() if share >= LEAST}
    for room in sorted(rooms, key=lambda room: -max(of.get(room, 0.0) for of in shares.values())):
        found.add(_said(room), *(_cell(turns[title], of.get(room, 0.0)) for title, of in shares.items()))
    rest = {title: sum(share for room, share in of.items() if room not in rooms) for title, of in shares.items()}
    found.add("all else", *(_cell(turns[title], share) for title, share in rest.items()))
    found.add("all", *(_cell(turn, 1.0) for turn in turns.values()))
    return found


def _shares(turn: Turn) -> dict[str, float]:
    rooms: dict[str, int] = turn.told["rooms"]
    samples = sum(rooms.values())
    assert samples, "no moment was seen"
    return {room: count / samples for room, count in rooms.items()}


def _cell(measured: tuple[Turn, int], share: float) -> str:
    turn, steps = measured
    return f"{turn.told['seconds'] / steps * share * MICRO:,.0f} µs, {share:.0%}"


def _said(room: str) -> str:
    """Return what a room is called, and what it says of itself in its first line."""
    if room in SAID:
        return SAID[room]
    first = (ast.get_docstring(ast.parse((ROOT / room).read_text(encoding="utf-8"))) or "").partition("\n")[0]
    return f"`{room}`: {shorten(first.rstrip('.'), WIDE, placeholder=' …')}"
