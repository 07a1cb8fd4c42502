"""One run's access to one model: it waits for its turn among all that use that model, and tells what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

from ....compiler.settings import ModelRate
from ... import limiter, quotas
from ...limiter import Limits, Over, Slot
from ...ports import Clock
from .. import world
from .about import About
from .alone import alone, say_alone
from .folder import SETTING, Unshared, folder
from .shared import Held, Medium, Place, SharedFile

Result = TypeVar("Result")
Wait = Callable[[float], Awaitable[None]]
POLL, LONGEST_POLL = 0.005, 0.1
"""Seconds between two looks for a free place, by how many runs are to have one before."""
SOON = 0.001
"""Seconds that are no wait."""
SHORT = 1.0
"""Seconds below which a wait is nothing that a run's clock, or its journal, is told of."""
PATIENCE, PATIENT = 0.005, 250
"""Seconds between looks, and their number, at a lock that somebody holds who stands still."""


@dataclass(slots=True)
class _UnderWay:
    """A request: when it was let pass, by the order of all changes of the limits, and the tokens that it was counted with."""

    began: float
    tokens: float


_UNDER_WAY: ContextVar[_UnderWay | None] = ContextVar("darner_request_under_way", default=None)


class Pace:
    """What keeps one run's requests to a model within what is allowed.

    Args:
        key: what is the same for all that use the model on the same account; see `folder.key`.
        rate: what is declared, as this machine's part.
        run: whose turn it is; the same again when the run is taken up by another process.
        clock: the run's, where its time is not the machine's.
        about: what people are told who look at the limits.
    """

    def __init__(self, key: str, rate: ModelRate, run: str, clock: Clock | None = None, about: About | None = None) -> None:
        self._about = about
        self._key = key
        self._rate = rate
        self._run = run
        self._now = world.moment if clock is None or type(clock) is world.SystemClock else clock.now
        self._medium = self._found()
        self._turn = asyncio.Lock()
        self._door = asyncio.Lock()
        self._told = quotas.Allowed()
        self._until = WeakKeyDictionary[asyncio.Task[object], float]()
        """Until when whoever asked in a task was told to wait, and has waited when it asks again."""
        self._over = Over()

    def _found(self) -> Medium:
        try:
            return SharedFile(folder() / self._key, self._about)
        except Unshared as error:
            return self._go_alone(str(error))

    def _go_alone(self, why: str) -> Medium:
        say_alone(f"{why} (name a folder that can be written in {SETTING})")
        self._medium = alone(self._key)
        return self._medium

    @asynccontextmanager
    async def turn(self, wait: Wait) -> AsyncIterator[None]:
        """Wait until a request may be made, and hold its place until it is over; ``wait`` waits so many seconds."""
        place = await self._place() if self._rate.concurrency else None
        try:
            before = _UNDER_WAY.set(await self._slot(wait))
            try:
                yield
            finally:
                _UNDER_WAY.reset(before)
        finally:
            if place is not None:
                place.close()

    async def _slot(self, wait: Wait) -> _UnderWay:
        """Return when it is this run's turn. Those who wait in one run wait in line: only the first of them has a time."""
        waited, task = False, asyncio.current_task()
        earliest = self._until.pop(task, 0.0) if task is not None else 0.0
        while True:
            async with self._turn:
                slot, now = await self._change(partial(self._take, earliest, waited=waited))
                if not slot.is_far:
                    if slot.at - now < SOON:
                        return _UnderWay(now, slot.tokens)
                    begun = await self._begun(slot, now, wait)
                    if begun is not None:
                        return begun
                    continue
            # Others of this run see the same time now, and wait for it too: then the run can be parked.
            await wait(slot.at - now)
            waited = True

    async def _begun(self, slot: Slot, now: float, wait: Wait) -> _UnderWay | None:
        """Return once the time that was given has come; None where it counts no longer. Then its tokens are given back."""
        is_void = True
        try:
            await (asyncio.sleep if slot.at - now < SHORT else wait)(slot.at - now)
            is_void, now = await self._change(partial(self._look, slot))
            return None if is_void else _UnderWay(now, slot.tokens)
        finally:
            if is_void:
                self._over = replace(self._over, expected=self._over.expected + slot.tokens)

    def _take(self, earliest: float, limits: Limits, *, waited: bool) -> tuple[Limits, tuple[Slot, float]]:
        now = max(self._now(), earliest)
        limits, slot = limiter.take(self._counted(limits, now), now, self._rate, self._run, waited=waited)
        return limits, (slot, now)

    def _look(self, slot: Slot, limits: Limits) -> tuple[Limits, tuple[bool, float]]:
        return limits, (limiter.is_void(limits, slot), self._now())

    async def _place(self) -> Place:
        async with self._door:
            try:
                while True:
                    place, before = await self._change(self._come_in)
                    if place is not None:
                        return place
                    await asyncio.sleep(min(LONGEST_POLL, POLL * (1 + before)))
            except BaseException:
                with suppress(Unshared, Held):
                    self._medium.change(lambda limits: (limiter.leave(limits, self._run), None))
                raise

    def _come_in(self, limits: Limits) -> tuple[Limits, tuple[Place | None, int]]:
        limits, before = limiter.queue(limits, self._now(), self._run)
        place = self._medium.place(self._rate.concurrency or 1) if not before else None
        return (limiter.leave(limits, self._run) if place is not None else limits), (place, before)

    async def _change(self, edit: Callable[[Limits], tuple[Limits, Result]]) -> Result:
        for _ in range(PATIENT):
            try:
                return self._medium.change(edit)
            except Held:
                await asyncio.sleep(PATIENCE)
            except Unshared as error:
                return self._go_alone(str(error)).change(edit)
        return self._go_alone("a process that stands still holds the lock").change(edit)

    def _counted(self, limits: Limits, now: float) -> Limits:
        over, self._over = self._over, Over()
        return limits if over == Over() else limiter.used(limits, now, self._rate, over)

    def used(self, tokens: int) -> None:
        """Count a request that was answered, and its tokens; others hear of it when this run asks for its next turn."""
        self._count(1, tokens)

    def _count(self, passed: int, tokens: float) -> None:
        under_way, over = _UNDER_WAY.get(), self._over
        expected = under_way.tokens if under_way is not None else 0.0
        self._over = Over(over.passed + passed, over.tokens + tokens, over.expected + expected)

    async def refused(self, seconds: float | None) -> None:
        """Hear that the provider said: later. ``seconds`` is what it asked for, None where it didn't say."""
        under_way = _UNDER_WAY.get()
        began = under_way.began if under_way is not None else self._now()
        self._count(0, 0.0)
        task = asyncio.current_task()
        if seconds and task is not None:
            self._until[task] = self._now() + seconds

        def edit(limits: Limits) -> tuple[Limits, None]:
            now = self._now()
            return limiter.refused(self._counted(limits, now), now, self._rate, began=began, wait=seconds), None

        await self._change(edit)

    async def heard(self, headers: Mapping[str, str]) -> None:
        """Learn what is allowed from an answer's headers (names in lower case), where it isn't declared."""
        said = quotas.allowed(headers)
        if said != self._told and (said.requests or said.tokens):
            self._told = said
            await self._change(lambda limits: (limiter.told(limits, said.requests, said.tokens), None))

    def close(self) -> None:
        """Tell others what they haven't heard yet."""
        if self._over != Over():
            with suppress(Unshared, Held):
                self._medium.change(lambda limits: (self._counted(limits, self._now()), None))
