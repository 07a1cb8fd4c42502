"""Who is making a shared result now: claims by exclusive creation that expire. They save work, and promise nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ..failures import Missing, StoreError
from ..journal import paths
from ..ports import Clock, Store

LEASE = 15.0
"""Seconds after which a claim that nobody renews counts no more: its owner was killed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that is ours. ``number`` counts those of the same result, earlier ones have expired."""

    folder: str
    key: str
    number: int

    @property
    def name(self) -> str:
        """The claim's object name."""
        return paths.cache_claim(self.folder, self.key, self.number)


@dataclass
class Claims:
    """The claims of one process."""

    store: Store
    clock: Clock
    owner: str
    lease: float = LEASE

    def take(self, folder: str, key: str) -> Claim | None:
        """Return a claim, or None while somebody else has one that counts."""
        number = 1
        while (until := self._until(folder, key, number)) is not None:
            now = self.clock.now()
            # One that counts for longer than any claim lasts was written before the clock jumped back, or by another clock.
            if now < until <= now + 2 * max(self.lease, LEASE):
                return None
            number += 1
        claim = Claim(folder, key, number)
        return claim if self.store.create(claim.name, self._content()) else None

    def _until(self, folder: str, key: str, number: int) -> float | None:
        """Return until when a claim counts; None where there is none of that number."""
        try:
            return float(json.loads(self.store.get(paths.cache_claim(folder, key, number)))["until"])
        except Missing:
            return None
        except (ValueError, KeyError, TypeError):
            return 0.0  # damaged: it is nobody's

    def _content(self) -> bytes:
        return json.dumps({"owner": self.owner, "until": self.clock.now() + self.lease}).encode()

    def release(self, claim: Claim) -> None:
        """Take a claim away, and the expired ones before it."""
        for number in range(claim.number, 0, -1):
            self.store.delete(paths.cache_claim(claim.folder, claim.key, number))

    @contextlib.asynccontextmanager
    async def held(self, claim: Claim) -> AsyncIterator[None]:
        """Keep a claim alive as long as the block runs, and then let it go."""
        renewing = asyncio.ensure_future(self._renew(claim))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with contextlib.suppress(StoreError):  # it expires by itself
                await asyncio.to_thread(self.release, claim)

    async def _renew(self, claim: Claim) -> None:
        while True:
            await self.clock.sleep(self.lease / 3)
            put = asyncio.ensure_future(asyncio.to_thread(self.store.put, claim.name, self._content()))
            with contextlib.suppress(StoreError):  # without it somebody else may make the result too, and that is all
                try:
                    await asyncio.shield(put)
                except asyncio.CancelledError:
                    # A thread can't be stopped: what it still writes must not come after the claim was taken away.
                    await asyncio.wait([put])
                    raise
