"""The only place where the clock, chance, ids and the machine's name are read."""

from __future__ import annotations

import asyncio
import os
import platform
import random  # noqa: TID251 - this is the place
import secrets
import time
import uuid  # noqa: TID251 - this is the place

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_LENGTH = 12
_BOOT = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux's clock that goes on while the machine sleeps."""


class SystemClock:
    """The machine's clock."""

    now = staticmethod(time.time)  # noqa: TID251 - this is the place
    """Return seconds since 1970, UTC. The function itself: each step asks three times."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def moment() -> float:
    """Return seconds of a clock that never jumps, and is the same for all processes of this machine until it is started anew."""
    return time.clock_gettime(_BOOT) if _BOOT is not None else time.monotonic()


def setting(name: str) -> str:
    """Return an environment variable, empty where it isn't set."""
    return os.environ.get(name, "")


def chance() -> float:
    """Return a number between 0 and 1, for jitter."""
    return random.random()  # noqa: S311 - spreads waits, guards nothing


def new_uuid() -> str:
    """Return a random UUID's text."""
    return str(uuid.uuid4())


def run_id(name: str) -> str:
    """Return a new run's id: the plan's name, the day, and 60 bits that nobody guesses."""
    token = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"{name}-{time.strftime('%Y%m%d', time.gmtime())}-{token}"


def owner() -> str:
    """Return what others are told about this process."""
    return f"process {os.getpid()} on {platform.node()}"
