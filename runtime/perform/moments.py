"""Time, chance and sleep for steps with `calls`: recorded, so that a step that is gone on with sees what it saw.

::

    import darner

    async def negotiate(offer: Offer, seller: Ask[Answer]) -> Deal:
        until = darner.now() + timedelta(days=3)
        number = darner.uuid()
        await darner.sleep("2h")

They are counted by asyncio task, and tasks by their creator: whatever order branches go on in, each sees its own again.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID  # noqa: TID251 - the type; ids themselves come from whoever records them

from ...compiler.quantities import parse_duration
from ..failures import Refused


class Moments(Protocol):
    """What records them for one execution of one step."""

    def now(self) -> float:
        """Return seconds since 1970, UTC."""
        ...

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        ...

    def uuid(self) -> str:
        """Return a random UUID's text."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds after the call was first made."""
        ...


CURRENT: ContextVar[Moments | None] = ContextVar("darner_moments", default=None)
"""The execution in whose code we are."""


def now() -> datetime:
    """Return the time, in UTC, at which this was first asked for here."""
    return datetime.fromtimestamp(_moments("now").now(), UTC)


def random() -> float:
    """Return a number from 0 up to 1: the same again after a crash."""
    return _moments("random").random()


def uuid() -> UUID:
    """Return a random UUID: the same again after a crash."""
    return UUID(_moments("uuid").uuid())


async def sleep(duration: str | float | timedelta) -> None:
    """Wait: seconds, a timedelta, or a duration as specs write it (``"3d"``). Long sleeps park the run; none ends early."""
    if isinstance(duration, timedelta):
        seconds = duration.total_seconds()
    else:
        seconds = float(parse_duration(duration)) if isinstance(duration, str) else float(duration)
    await _moments("sleep").sleep(max(0.0, seconds))


def _moments(name: str) -> Moments:
    found = CURRENT.get()
    if found is None:
        msg = f"darner.{name}() was called outside of a step with calls, so there is nothing that could record it"
        raise Refused(msg, help="call it in an async step that lists `calls`; in a test, inside `with darner.testing.moments():`")
    return found
