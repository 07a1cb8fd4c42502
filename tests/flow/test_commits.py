"""Group commit: one append for all that are ready, nobody goes on before it is done, an error is everybody's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from darner.runtime.commits import SLOW, GroupCommit
from darner.runtime.events import Event, StepSkipped
from darner.runtime.failures import StoreError
from darner.runtime.state import RunState
from darner.testing import MemoryLog


def event(number: int) -> StepSkipped:
    return StepSkipped(at=0.0, step=f"s{number}", reason="")


class SlowLog(MemoryLog):
    """A log whose appends take longer than the loop may stand still, and that notices when two are under way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.overlapped = False

    def append(self, events: Sequence[Event]) -> None:
        """Keep events, slowly."""
        self.under_way += 1
        self.overlapped = self.overlapped or self.under_way > 1
        time.sleep(5 * SLOW)
        super().append(events)
        self.under_way -= 1


class FailingLog(MemoryLog):
    """A log that fails at its second append, and would take more after that."""

    def append(self, events: Sequence[Event]) -> None:
        """Keep a commit, unless it is the second."""
        if len(self.commits) == 1:
            self.commits.append(-1)
            raise StoreError("the disk is gone")
        super().append(events)


class Hasty(GroupCommit):
    """A broken variant: it lets whoever asks go on before the append."""

    async def commit(self, *events: Event) -> None:
        """Note them."""
        self.note(*events)


async def _all_durable(commits: GroupCommit, log: MemoryLog, count: int) -> bool:
    """Return whether each of many that commit at once finds its event in the log when it goes on."""

    async def one(number: int) -> bool:
        await asyncio.sleep(number % 3 * 0.004)
        await commits.commit(event(number))
        return event(number) in log.events

    found = await asyncio.gather(*(one(number) for number in range(count)))
    await commits.drain()
    return all(found)


@pytest.mark.parametrize("log", [MemoryLog(), SlowLog()], ids=["quick", "slow"])
def test_nobody_goes_on_before_its_event_is_durable(log: MemoryLog) -> None:
    """On a quick disk and on a slow one; a variant that goes on at once is caught."""
    assert asyncio.run(_all_durable(GroupCommit(log, RunState()), log, 200))
    assert len(log.commits) < 20
    assert not asyncio.run(_all_durable(Hasty(log, RunState()), MemoryLog(), 3))


def test_a_slow_disk_stops_neither_the_loop_nor_has_two_appends_at_once() -> None:
    """Appends that are slow leave the loop's thread; those who come meanwhile share the next one."""
    log, beats = SlowLog(), 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(SLOW / 2)
            beats += 1

    async def writer(commits: GroupCommit, numbers: range) -> None:
        for number in numbers:
            await commits.commit(event(number))

    async def drive() -> None:
        commits, heart = GroupCommit(log, RunState()), asyncio.create_task(beat())
        await asyncio.gather(*(writer(commits, range(start, start + 10)) for start in range(0, 100, 10)))
        heart.cancel()

    asyncio.run(drive())
    assert not log.overlapped
    assert len(log.events) == 100
    assert len(log.commits) <= 30
    assert beats >= len(log.commits)


def test_an_error_is_raised_to_all_that_wait_and_to_all_that_come_later() -> None:
    """What of a failed append is on the disk is unknown, so nothing is written after it."""
    log = FailingLog()

    async def drive() -> list[str]:
        commits, told = GroupCommit(log, RunState()), []
        await commits.commit(event(0))
        for _ in range(2):
            found = await asyncio.gather(*(commits.commit(event(number)) for number in range(1, 4)), return_exceptions=True)
            told += [str(one) for one in found]
        await commits.drain()
        return told

    assert asyncio.run(drive()) == ["the disk is gone"] * 6
    assert log.events == [event(0)]


def test_what_a_cancelled_task_noted_is_written_all_the_same() -> None:
    """A task that is told to stop while it waits takes nothing back: its event rides with the next commit, or with the end."""
    log = MemoryLog()

    async def drive() -> None:
        commits = GroupCommit(log, RunState())
        waiting = asyncio.create_task(commits.commit(event(0)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await commits.drain()

    asyncio.run(drive())
    assert log.events == [event(0)]
