"""The desk where a run's answers lie: objects of the store, each created by whoever is first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from ... import answers, waits
from ...answers import Answer
from ...events import QuestionAsked
from ...failures import Corrupt, Missing
from ...idle import Idle, Wait
from ...journal import paths
from ...ports import Clock, Store

LOOK = 1.0
"""Seconds between looks at a store while somebody is waited for."""

Found = TypeVar("Found")

Asker = Callable[[QuestionAsked], Awaitable[bool]]
"""Asks somebody who is right there; returns whether they are still there. What they say lies on the desk then."""


def give(store: Store, run_id: str, question: str, answer: Answer) -> Answer:
    """Put an answer on the desk, and return the one that counts: the first."""
    name = paths.answer(run_id, question)
    if store.create(name, answer.text()):
        return answer
    first = look(store, run_id, question)
    if first is None:
        msg = f"{name} in {store.url} was there a moment ago"
        raise Corrupt(msg, help="answer again")
    return first


def look(store: Store, run_id: str, question: str) -> Answer | None:
    """Return what lies on the desk for a question, or None."""
    name = paths.answer(run_id, question)
    try:
        return answers.read(store.get(name))
    except Missing:
        return None
    except (ValueError, TypeError) as error:
        msg = f"{name} in {store.url} can't be read: {error}"
        raise Corrupt(msg, help="remove that object, and answer with `darner answer`") from error


def leave_message(store: Store, run_id: str, message: Answer) -> int:
    """Put a message into a run's inbox, and return its number."""
    number = len(store.names(paths.inbox(run_id))) + 1
    while not store.create(paths.message(run_id, number), message.text()):
        number += 1
    return number


def _messages(store: Store, run_id: str, taken: Collection[int]) -> list[tuple[int, Answer]]:
    names = {int(name.rpartition("/")[2]): name for name in store.names(paths.inbox(run_id)) if name.rpartition("/")[2].isdigit()}
    return [(number, _message(store, name)) for number, name in sorted(names.items()) if number not in taken]


def _message(store: Store, name: str) -> Answer:
    try:
        return answers.read(store.get(name))
    except (ValueError, TypeError) as error:
        msg = f"{name} in {store.url} can't be read: {error}"
        raise Corrupt(msg, help="remove that object, and say it again with `darner say`") from error


@dataclass
class Desk:
    """The desk of one run, as its owner sees it. ``asker`` is there where a terminal is."""

    store: Store
    run_id: str
    clock: Clock
    idle: Idle
    asker: Asker | None = None
    look_every: float = LOOK
    _open: dict[str, QuestionAsked] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def outcome(self, asked: QuestionAsked, remind: Callable[[], Awaitable[None]]) -> Answer:
        """Return what ended a question: an answer, or its time. ``remind`` is called at each look.

        Whoever creates the answer's name first wins, so a time-out and an answer of the same moment are one of both.
        """
        self._open[asked.question] = asked
        try:
            while True:
                found = await self._call(look, asked.question)
                if found is not None:
                    return found
                if asked.due is not None and self.clock.now() >= asked.due:
                    return await self.claim(asked.question, Answer("timeout", at=self.clock.now()))
                await remind()
                due = self._next(asked)
                with self.idle.waiting(Wait(asked.call, asked.parent, due)):
                    await self._rest(due)
        finally:
            del self._open[asked.question]

    def _next(self, asked: QuestionAsked) -> float | None:
        reminder = waits.next_reminder(asked, self.clock.now(), ())
        return min(
            (one for one in (asked.due, reminder[1] if reminder and reminder[1] > self.clock.now() else None) if one is not None),
            default=None,
        )

    async def _rest(self, due: float | None) -> None:
        left = self.look_every if due is None else min(self.look_every, max(0.01, due - self.clock.now()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), left)

    async def claim(self, question: str, answer: Answer) -> Answer:
        """Compete for the end of a question, and return who won."""
        return await self._call(give, question, answer)

    async def _call(self, function: Callable[..., Found], *given: object) -> Found:
        """Do something with this run in the store."""
        return await self._do(function, self.store, self.run_id, *given)

    async def _do(self, function: Callable[..., Found], *given: object) -> Found:
        """Do something here and now in a folder; elsewhere in a thread, since a bucket takes its time."""
        if self.store.local_path(self.run_id) is not None:
            return function(*given)
        return await asyncio.to_thread(function, *given)

    async def look_at(self, look: Callable[[], Found]) -> Found:
        """Return what a look at the store gives."""
        return await self._do(look)

    async def leave(self) -> bool:
        """Return whether the run may be parked: nobody has answered meanwhile, and nobody is there who could be asked now."""
        for asked in list(self._open.values()):
            if await self._call(look, asked.question) is not None:
                self._tell_all()
                return False
        while self.asker is not None and self._open:
            asked = min(self._open.values(), key=lambda one: one.at)
            if not await self.asker(asked):
                self.asker = None
            elif await self._call(look, asked.question) is not None:
                self._tell_all()
                return False
        return True

    def _tell_all(self) -> None:
        before, self._news = self._news, asyncio.Event()
        before.set()

    async def unread(self, taken: Collection[int]) -> list[tuple[int, Answer]]:
        """Return the messages of the inbox that were not taken yet, the oldest first."""
        return await self._call(_messages, taken)

    async def hint(self, due: float) -> None:
        """Leave word for wakers that there is something to do at a time."""
        await self._do(self.store.put, paths.due(due, self.run_id), b"")

    async def forget_hint(self, due: float) -> None:
        """Take back a word for wakers."""
        await self._do(self.store.delete, paths.due(due, self.run_id))

    async def cancelled(self) -> Answer:
        """Return once somebody has cancelled the run, with who it was."""
        while (found := await self._call(_look_for_end)) is None:  # noqa: ASYNC110 - it is another process's object
            await asyncio.sleep(self.look_every)
        return found


def _look_for_end(store: Store, run_id: str) -> Answer | None:
    try:
        return answers.read(store.get(paths.cancel(run_id)))
    except Missing:
        return None
    except (ValueError, TypeError):
        return Answer("cancelled")
