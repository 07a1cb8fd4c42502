"""A boundary in memory: results are served from a dict, and everything that is asked is counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ..conversations import Conversations
from ..events import Said
from ..perform.unrecorded import UnrecordedBoundary
from ..ports import CallRequest, Clock, Json, OnRecord, Outcome, Permit, Usage
from ..usage import UsageLedger

Body: TypeAlias = "Callable[[Permit], Awaitable[Outcome]]"


class NoWaiting:
    """A clock that stands still, and on which every wait is over at once; ``waited`` tells what was asked for."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def now(self) -> float:
        """Return the start of 2026."""
        return 1_767_225_600.0

    async def sleep(self, seconds: float) -> None:
        """Note a wait."""
        self.waited.append(seconds)


@dataclass
class Recorded:
    """What a run would find in its journal: results by call identity. Hand it to the next `MemoryBoundary` to resume."""

    results: dict[str, Json] = field(default_factory=dict)
    conversations: Conversations = field(default_factory=Conversations)
    ledger: UsageLedger = field(default_factory=UsageLedger)
    """What agents have used."""


class MemoryBoundary:
    """Serves what ``recorded`` holds, performs and records the rest. A new one on the same record is a resumed run."""

    def __init__(self, recorded: Recorded | None = None, clock: Clock | None = None) -> None:
        self.recorded = recorded or Recorded()
        self.clock = clock or NoWaiting()
        self.asked: list[CallRequest] = []
        self.performed: list[CallRequest] = []
        self.served: list[CallRequest] = []
        self._inner = UnrecordedBoundary(self.clock, ledger=self.recorded.ledger)

    @property
    def used(self) -> Usage:
        """What was paid for by this boundary."""
        return self._inner.used

    async def call(self, request: CallRequest, body: Callable[[Permit], Awaitable[Outcome]]) -> Json:
        """Return the result of a call: served, or performed and recorded."""
        self.asked.append(request)
        call_id = self._inner.identity(request)
        if call_id in self.recorded.results:
            self.served.append(request)
            return self.recorded.results[call_id]
        self.performed.append(request)
        work, writes = self._performed(request, call_id, body), self._inner.waits.writes
        return await (writes.to_its_end(work, self) if request.effects == "write" else work)

    async def _performed(self, request: CallRequest, call_id: str, body: Body) -> Json:
        outcome = await self._inner.perform(request, call_id, self._remembering(request, call_id, body))
        for message in outcome.said:
            self.recorded.conversations.say(Said(at=self.clock.now(), call=call_id, value=message))
        self.recorded.conversations.finish(request.name, call_id)
        self.recorded.results[call_id] = outcome.value
        return outcome.value

    def look(self, request: CallRequest) -> OnRecord:
        """Return whether a call that is asked for next would be served."""
        is_there = self._inner.following(request) in self.recorded.results
        return OnRecord(is_served=is_there, has_result=is_there)

    def refuse(self, parent: str, reason: str) -> None:
        """Hear that the newest answer of a model is not accepted."""
        self._inner.refuse(parent, reason)

    def last(self, parent: str) -> str | None:
        """Return None: whoever is tried again is served what is in `recorded`."""
        return self._inner.last(parent)

    def _remembering(self, request: CallRequest, call_id: str, body: Body) -> Body:
        if not request.remembers:
            return body
        self.recorded.conversations.begin(request.name, call_id)
        earlier = [one.value for one in self.recorded.conversations.earlier(request.name, call_id)]
        return lambda permit: body(permit._replace(earlier=earlier))

    def count(self, kind: str) -> int:
        """Return how many calls of a kind were performed here."""
        return sum(request.kind == kind for request in self.performed)
