"""Group commit: one append for all that are ready, nobody goes on before it is done, an error is everybody's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from darner.runtime.commits import ALONE, SLOW, GroupCommit
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


class StagedMemory(MemoryLog):
    """A log in two stages, which notices when something is begun before the one before it is finished."""

    def __init__(self, fails_at: int = 0) -> None:
        super().__init__()
        self.begun: list[Event] = []
        self.mixed = False
        self._left = fails_at

    def append(self, events: Sequence[Event]) -> None:
        """Begin and finish."""
        self.begin(events)
        self.finish()

    def begin(self, events: Sequence[Event]) -> None:
        """Take a commit."""
        self.mixed = self.mixed or bool(self.begun)
        self.begun = list(events)

    def finish(self) -> None:
        """Keep it, unless it is the one that fails."""
        self._left -= 1
        if self._left == 0:
            raise StoreError("the disk is gone")
        super().append(self.begun)
        self.begun = []


async def _alone(log: MemoryLog) -> GroupCommit:
    """Return a group commit with one caller, so that it gives."""
    commits = GroupCommit(log, RunState())
    for number in range(ALONE + 1):
        await commits.commit(event(number))
    return commits


@pytest.mark.parametrize("way", ["settle", "commit", "commit nothing", "give", "wait", "drain"])
def test_what_is_given_is_written_at_once_and_durable_before_anything_else(way: str) -> None:
    """Before anything begins, before the next commit and the next gift, as soon as the caller waits for anything, and at the end."""
    log = StagedMemory()

    async def drive() -> None:
        commits = await _alone(log)
        await commits.give(event(9))
        assert log.begun == [event(9)]
        assert event(9) not in log.events
        match way:
            case "settle":
                commits.settle()
            case "commit":
                await commits.commit(event(10))
            case "commit nothing":
                await commits.commit()
            case "give":
                await commits.give(event(10))
            case "wait":
                await asyncio.sleep(0)
            case _:
                await commits.drain()
        assert event(9) in log.events

    asyncio.run(drive())
    assert not log.mixed


@pytest.mark.parametrize("log", [MemoryLog(), SlowLog()], ids=["knows no stages", "slow"])
def test_where_there_are_no_stages_a_gift_is_durable_at_once(log: MemoryLog) -> None:
    """A bucket's journal, for one."""

    async def drive() -> None:
        commits = await _alone(log)
        await commits.give(event(9))
        assert log.events[-1] == event(9)

    asyncio.run(drive())


def test_many_that_give_and_commit_at_once_never_mix() -> None:
    """Whatever the order is, each record is durable before the next one is written, and nothing is lost."""
    log = StagedMemory()

    async def one(commits: GroupCommit, number: int) -> None:
        for step in range(20):
            await (commits.give if (number + step) % 3 else commits.commit)(event(100 * number + step))
            for _ in range((number * step) % 4):
                await asyncio.sleep(0)

    async def drive() -> None:
        commits = await _alone(log)
        await one(commits, 1)
        await asyncio.gather(*(one(commits, number) for number in range(2, 6)))
        await one(commits, 6)
        await commits.drain()

    asyncio.run(drive())
    assert not log.mixed
    assert len(log.events) == ALONE + 1 + 6 * 20


@pytest.mark.parametrize("waits", [False, True])
def test_a_gift_that_never_becomes_durable_is_said_to_whoever_begins_something(waits: bool) -> None:
    """Be it found out by whoever begins it, or by the loop meanwhile."""
    log = StagedMemory(fails_at=ALONE + 2)

    async def drive() -> None:
        commits = await _alone(log)
        await commits.give(event(9))
        if waits:
            await asyncio.sleep(0)
        for _ in range(2):
            with pytest.raises(StoreError, match="the disk is gone"):
                commits.settle()
            with pytest.raises(StoreError, match="the disk is gone"):
                await commits.give(event(10))
        assert commits.is_broken
        await commits.drain()

    asyncio.run(drive())
    assert event(9) not in log.events


class LargelyBegun(StagedMemory):
    """A log that takes long to begin: what is large goes into objects of its own first. It notes in which threads it began."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[int] = []

    def begin(self, events: Sequence[Event]) -> None:
        """Take a commit, slowly."""
        self.threads.append(threading.get_ident())
        if event(9) in events:
            time.sleep(5 * SLOW)
        super().begin(events)


def test_a_gift_that_takes_long_to_begin_leaves_the_loop_the_next_time() -> None:
    """Its caller has nothing to reckon with before that, and everybody else stands still."""
    log = LargelyBegun()

    async def drive() -> None:
        commits = await _alone(log)
        await commits.give(event(9))
        assert log.begun == [event(9)]
        commits.settle()
        await commits.give(event(10))

    asyncio.run(drive())
    assert [one == threading.get_ident() for one in log.threads[-2:]] == [True, False]
    assert log.events[-1] == event(10)
