"""The children of one run: which are used again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from darner.runtime.perform.processes.caged import Cages
from darner.runtime.perform.processes.room import Room
from darner.runtime.perform.threads import Threads
from darner.runtime.resources import Grant

SLOWLY = """\
import time

def work(seconds: float) -> str:
    try:
        time.sleep(seconds)
    finally:
        time.sleep(min(seconds, 1))
    return "done"
"""


def test_a_child_that_is_given_up_serves_nobody_else_though_who_waits_for_its_end_is_cancelled_again(tmp_path: Path) -> None:
    """It has time for its `finally`, and dies a moment later: the next call gets a child of its own."""
    (tmp_path / "slowly.py").write_text(SLOWLY)

    async def calls() -> str:
        cages, grant = Cages(str(tmp_path), Threads()), Grant(spot=True)
        try:
            first = await cages.ready(grant)
            given_up = asyncio.create_task(cages.call(first, grant, _request(30)))
            await asyncio.sleep(0.3)
            for _ in range(2):
                given_up.cancel()
                await asyncio.sleep(0.1)
            with pytest.raises(asyncio.CancelledError):
                await given_up
            second = await cages.ready(grant)
            assert second is not first
            done: str = await cages.call(second, grant, _request(0))
            return done
        finally:
            cages.close()

    assert asyncio.run(calls()) == "done"


def test_what_idle_children_have_kept_and_what_is_promised_are_together_no_more_than_there_is(tmp_path: Path) -> None:
    """What a callable has loaded stays with its process: that ends before another one is promised what it may have."""
    (tmp_path / "slowly.py").write_text(SLOWLY)
    mib = 1 << 20

    async def calls() -> list[bool]:
        cages = Cages(str(tmp_path), Threads(), room=Room(most=1000 * mib))
        children = []
        try:
            for memory in (300, 400, 500):
                grant = Grant(memory=memory * mib)
                async with cages.room.taken(memory * mib):
                    children.append(await cages.ready(grant))
                    await cages.call(children[-1], grant, _request(0))
            return [child.is_running for child in children]
        finally:
            cages.close()

    assert asyncio.run(calls()) == [False, True, True]


def _request(seconds: float) -> dict[str, object]:
    return {"ref": "slowly:work", "arguments": seconds, "named": False}
