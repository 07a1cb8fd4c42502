"""Functions that aren't async, in threads: the loop goes on while they work, and doesn't wait where they are done at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from darner.runtime.perform.threads import LEAST_HOPE, PATIENCE, Threads


class InTheLoop(Threads):
    """A broken variant: it calls the function where it is asked to."""

    async def run(self, function: Callable[..., Any], /, **arguments: Any) -> Any:
        """Call it."""
        return function(**arguments)


async def _beats_while_blocked(threads: Threads, patience: float) -> bool:
    """Return whether something else had three turns while a function blocked, which it does for so many seconds at most."""
    enough = threading.Event()

    async def beat() -> None:
        for _ in range(3):
            await asyncio.sleep(0.01)
        enough.set()

    heart = asyncio.create_task(beat())
    found: bool = await threads.run(enough.wait, timeout=patience)
    heart.cancel()
    return found


def test_a_function_that_blocks_does_not_stop_the_loop() -> None:
    """Heartbeats, time-outs and other branches go on meanwhile; a variant that calls functions in the loop is caught."""
    assert asyncio.run(_beats_while_blocked(Threads(), patience=60))
    assert not asyncio.run(_beats_while_blocked(InTheLoop(), patience=0.2))


def test_quick_functions_give_what_they_give_in_any_number() -> None:
    """Results, exceptions and threads are those of the call, whether it was done at once or later, alone or among others."""

    def one(number: int) -> tuple[int, bool]:
        time.sleep(number % 5 * PATIENCE / 2)
        if number % 7 == 0:
            raise ValueError(number)
        return number, threading.current_thread() is threading.main_thread()

    async def ask(threads: Threads, number: int) -> None:
        if number % 7:
            assert await threads.run(one, number=number) == (number, False)
        else:
            with pytest.raises(ValueError, match=str(number)):
                await threads.run(one, number=number)

    async def drive() -> None:
        threads = Threads()
        for number in range(200):
            await ask(threads, number)
        for _ in range(5):
            await asyncio.gather(*(ask(threads, number) for number in range(60)))

    asyncio.run(drive())


def test_many_slow_functions_are_not_waited_for_one_after_the_other() -> None:
    """After functions that weren't done at once the next ones are given no time: at most one in 65 costs the loop a moment."""

    class Counting(Threads):
        """Counts for how many functions the loop stood still."""

        stood = 0

        def _is_done_at_once(self, work: Any) -> bool:
            before = self._hopeless
            found = super()._is_done_at_once(work)
            self.stood += not before
            return found

    async def drive() -> int:
        threads = Counting()
        for _ in range(LEAST_HOPE):
            gate = threading.Event()  # the loop opens it once all are under way: none is done while the loop stands still
            calls = asyncio.gather(*(threads.run(gate.wait) for _ in range(20)))
            asyncio.get_running_loop().call_soon(gate.set)
            await calls
        return threads.stood

    assert asyncio.run(drive()) <= 7 + 20


def test_a_function_that_raises_stop_iteration_says_so() -> None:
    """Out of a coroutine it would mean something else."""

    def stop() -> None:
        raise StopIteration("here")

    with pytest.raises(RuntimeError, match="StopIteration: here"):
        asyncio.run(Threads().run(stop))


def test_a_time_out_leaves_a_function_to_itself() -> None:
    """Whoever waits goes on; the thread ends by itself, and what it gives is dropped."""
    given_up, ended = threading.Event(), threading.Event()

    def slow() -> None:
        given_up.wait(60)
        ended.set()

    async def drive() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Threads().run(slow)

    asyncio.run(drive())
    assert not ended.is_set()
    given_up.set()
    assert ended.wait(timeout=60)
