"""One session, a thousand sessions, a session gone on with: darner beside other durable runtimes, and beside nothing."""

from __future__ import annotations

import os
import shutil
import statistics
from pathlib import Path

import pytest

from ..catalog.running import DARNER
from .conftest import ROUNDS
from .measure import measure
from .report import Page, Table, gigabytes
from .runners import LONGEST, Runner, best_peer, environment, interleave

pytestmark = pytest.mark.bench
STEPS = int(os.environ.get("DARNER_BENCH_STEPS", "2000"))
SESSIONS = int(os.environ.get("DARNER_BENCH_SESSIONS", "1000"))
EACH = int(os.environ.get("DARNER_BENCH_EACH", "4"))
LONG = int(os.environ.get("DARNER_BENCH_LONG", "10000"))
MICRO = 1e6


def peers() -> list[Runner]:
    """Return the durable runtimes beside which darner is measured."""
    return [Runner("LangGraph, SQLite, sync", "langgraph"), Runner("DBOS, SQLite", "dbos")]


def test_one_session_a_step_after_the_other(page: Page, tmp_path: Path) -> None:
    """Each step needs the result of the one before, which is durable before it begins."""
    raw = Runner("200 bytes appended + fsync", "raw", "append", is_durable=False)
    over = Runner("200 bytes written over + fdatasync", "raw", "over", is_durable=False)
    bare = Runner("bare asyncio", "asyncio", is_durable=False)
    ours = [
        Runner("darner, Python in control, async function", "darner", "async"),
        Runner("darner, Python in control, plain function", "darner", "plain"),
        Runner("darner, a declared loop", "darner", "loop"),
        Runner("darner, a map, one at a time", "darner", "map"),
        Runner("darner, a map, 64 at a time", "darner", "wide"),
    ]
    runners = [raw, over, bare, *peers(), *ours]
    interleave(runners, "sequence", tmp_path / "sequence", ROUNDS, steps=STEPS)
    best = best_peer(runners)
    columns = ("", "steps/s", "slowest to fastest", "of append + fsync", "of the best durable peer", "µs over asyncio", "bytes a step")
    found = Table(f"One session: {STEPS:,} durable steps", columns, _about_one())
    for one in runners:
        seconds = one.median("seconds")
        more = (seconds - bare.median("seconds")) / STEPS * MICRO
        of_raw, of_best = raw.median("seconds") / seconds, best.median("seconds") / seconds
        beside = ("", "", "") if one is bare else (f"{of_raw:.0%}", f"{of_best:.1f} times", f"{more:,.0f}")
        size = f"{one.median('bytes'):,.0f}" if one.is_ours else ""
        found.add(one.name, f"{STEPS / seconds:,.0f}", one.spread("seconds", STEPS), *beside, size)
        if len(one.turns) < ROUNDS:
            found.notes.append(f"{one.name}: {len(one.turns)} rounds only, which took over {LONGEST:.0f} s.")
    page.append(found)
    assert min(one.median("seconds") for one in ours) < best.median("seconds")


def _about_one() -> str:
    return (
        "Steps that do nothing, each durable before the next one begins (64 at a time: before the next one of its place). Target: half of "
        "what appending 200 bytes with an fsync does, and four times the best durable peer. LangGraph keeps its state after each node "
        "(a write-ahead log, synchronous=FULL), DBOS a row a step (a rollback journal, synchronous=FULL). "
        "LangGraph takes little of the disk and much of the processor: how it compares moves with the processor's speed, and how "
        "appending does with the disk's."
    )


def test_many_sessions_at_once(page: Page, tmp_path: Path) -> None:
    """A thousand sessions of a few steps each, in one process."""
    bare = Runner("bare asyncio", "asyncio", is_durable=False)
    ours = [
        Runner("darner, one run: a map of sessions", "darner", "map"),
        Runner("darner, a run a session, in 64 threads", "darner", "runs"),
    ]
    runners = [bare, *peers(), *ours]
    interleave(runners, "sessions", tmp_path / "sessions", ROUNDS, sessions=SESSIONS, steps=EACH)
    best = best_peer(runners)
    about = (
        f"{SESSIONS:,} sessions of {EACH} steps, all under way at once in one process (DBOS: in its own threads). Target: ten times the "
        f"best durable peer. Whoever needs over {LONGEST:.0f} s in all gets fewer rounds."
    )
    columns = ("", "steps/s", "sessions/s", "of the best durable peer", "peak memory", "rounds")
    found = Table(f"{SESSIONS:,} sessions at once", columns, about)
    for one in runners:
        seconds = one.median("seconds")
        share = "" if one is bare else f"{best.median('seconds') / seconds:.1f} times"
        rates = (f"{SESSIONS * EACH / seconds:,.0f}", f"{SESSIONS / seconds:,.0f}")
        found.add(one.name, *rates, share, gigabytes(one.peak), str(len(one.turns)))
    found.notes.append(
        "A run a session pays for what binds it (plan, lock and inputs, each synced) and for an event loop and a thread of its own, and "
        "shares its commits with nobody; items of a map share one journal, so that one sync makes many steps durable."
    )
    page.append(found)
    assert ours[0].median("seconds") < best.median("seconds")


def test_a_long_session_gone_on_with(page: Page, tmp_path: Path) -> None:
    """A session is killed when its last step begins; how long it takes to begin that step again, and what each served call costs."""
    runners = [*peers(), Runner("darner", "darner")]
    for one in runners:
        one.die("die", tmp_path / one.peer / "first", steps=LONG)
    whole: list[float] = []
    for _ in range(ROUNDS):
        for one in runners:
            turn = _copied(tmp_path / one.peer)
            one.turns.append(one.go("resume", turn, steps=LONG))
        command = [str(DARNER), "resume", "bench", "--store", str(_copied(tmp_path / "darner")), "--json"]
        whole.append(measure(command, environment(), tmp_path).seconds)
    about = (
        "Killed with SIGKILL when the last step begins, then gone on with. From the start of the engine to the "
        "beginning of the first new step; target: below 1 s, and at most 60 µs a served call. LangGraph reads its last state and serves "
        "nothing; what stood in local variables is lost to it, so a graph keeps all of it in its state."
    )
    found = Table(f"A session of {LONG:,} steps gone on with", ("", "to the first new step", "a served call", "whole process"), about)
    for one in runners:
        served = f"{one.median('served') * MICRO:,.0f} µs" if "served" in one.turns[0].told else ""
        process = statistics.median(whole) if one.is_ours else statistics.median(turn.process.seconds for turn in one.turns)
        found.add(one.name, f"{one.median('to_new_step'):.2f} s", served, f"{process:.1f} s")
    page.append(found)


def _copied(folder: Path) -> Path:
    """Return a fresh copy of what the first life left."""
    shutil.rmtree(folder / "turn", ignore_errors=True)
    shutil.copytree(folder / "first", folder / "turn")
    return folder / "turn"
