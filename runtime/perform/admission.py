"""When a call may begin: once it can be paid beside what is under way, then at its turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from ..failures import Throttled
from ..idle import LONG, Idle
from ..ports import CallRequest
from ..reservations import Held, Reservations


@dataclass(frozen=True, slots=True)
class Admission:
    """What calls wait for before they begin. Nobody who waits for money keeps others from a turn.

    Args:
        reservations: what those that are under way may still use.
        waits: what stands still meanwhile.
        judge: returns what bounds a call; raises `Exhausted` where it may not begin.
        queue: notes, around its block, that a call waits for its turn.
        put_off: waits so many seconds on behalf of a call.
    """

    reservations: Reservations
    waits: Idle
    judge: Callable[[CallRequest], Sequence[Held]]
    queue: Callable[[CallRequest, str], AbstractAsyncContextManager[None]]
    put_off: Callable[[CallRequest, str, float], Awaitable[None]]

    @asynccontextmanager
    async def of(self, request: CallRequest, call_id: str) -> AsyncIterator[None]:
        """Wait until a call may begin, and hold its place until it is over.

        What is kept for it is given back where the block is left by an exception; else by whoever counts what it used.

        Raises:
            Exhausted: a bound can't hold even the least that it needs, or its time is over.
            Throttled: its turn is further ahead than it may wait, since somebody else can be asked.
        """
        async with self.reservations.of(call_id):
            while True:
                while not self._is_paid(request, call_id):
                    with self.waits.undecided(call_id):
                        await self.reservations.change()
                async with AsyncExitStack() as held:
                    if request.turn is not None:
                        async with self.queue(request, call_id):
                            await held.enter_async_context(request.turn(partial(self._put_off, request, call_id)))
                        if not self._is_paid(request, call_id):
                            continue  # others took what it had given back, and it waits for that behind nobody's turn
                    yield
                    return

    def _is_paid(self, request: CallRequest, call_id: str) -> bool:
        """Return whether all that a call may use is kept for it; what may be used without a bound needs nothing kept."""
        bounds = self.judge(request)
        if request.need is None or not bounds or self.reservations.holds(call_id):
            return True
        return self.reservations.take(call_id, request.need, bounds)

    async def _put_off(self, request: CallRequest, call_id: str, seconds: float) -> None:
        """Wait for a turn. What is far ahead needs no money yet, and isn't waited for where somebody else can be asked."""
        if request.patience is not None and seconds > request.patience:
            raise Throttled(f"the turn of {request.name} is in {seconds:.0f}s, and another can be asked", retry_after=seconds)
        if seconds > LONG:
            self.reservations.release(call_id)
        await self.put_off(request, call_id, seconds)
