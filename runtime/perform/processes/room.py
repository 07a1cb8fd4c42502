"""Room for child processes: no more memory is promised at once than the machine has."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from ....compiler.quantities import format_size
from ...failures import Refused
from . import machine
from .promises import LOOK_SECONDS, claimed

_KEPT_FREE = 0.1
"""Of the machine's memory, for the process that runs the flow, and for the system."""


@dataclass
class Room:
    """The memory of one machine, as one run promises it, or all runs together (``shared``). Who comes first is served first."""

    most: int = field(default_factory=lambda: int(machine.memory() * (1 - _KEPT_FREE)))
    """Bytes that may be promised at once."""
    shared: bool = False
    """Whether other processes of this user on this machine are asked, too; see `promises`."""
    _promised: int = 0
    _waiting: deque[tuple[int, asyncio.Future[None]]] = field(default_factory=deque)

    @property
    def free(self) -> int:
        """How many bytes are promised to nobody in this run."""
        return self.most - self._promised

    @contextlib.asynccontextmanager
    async def taken(self, memory: int) -> AsyncIterator[None]:
        """Hold so many bytes, once they are there.

        Raises:
            Refused: the machine doesn't have so much.
        """
        if memory > self.most:
            has = f"this machine has {self.most >> 20} MiB for all of them"
            raise Refused(
                f"{format_size(memory)} of memory are promised to one process, and {has}", help="promise less, or use a larger machine"
            )
        await self._take(memory)
        try:
            async with self._among_all(memory):
                yield
        finally:
            self._give(memory)

    @contextlib.asynccontextmanager
    async def _among_all(self, memory: int) -> AsyncIterator[None]:
        """Hold so many bytes of what all processes may promise; where they can't share what they know, nobody is asked."""
        claim = claimed(memory) if self.shared and memory else None
        try:
            while claim is not None and not claim.granted(self.most):  # noqa: ASYNC110 - other processes have no event to set
                await asyncio.sleep(LOOK_SECONDS)
            yield
        finally:
            if claim is not None:
                claim.close()

    async def _take(self, memory: int) -> None:
        # Who asks for nothing takes no room from those that wait.
        if not memory or (not self._waiting and self._promised + memory <= self.most):
            self._promised += memory
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((memory, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give(memory)  # it was given at the very moment
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove((memory, turn))
                self._wake()
            raise

    def _give(self, memory: int) -> None:
        self._promised -= memory
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._promised + self._waiting[0][0] <= self.most:
            memory, turn = self._waiting.popleft()
            if turn.cancelled():
                continue
            self._promised += memory
            turn.set_result(None)
