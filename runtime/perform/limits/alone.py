"""One model's limits in the memory of this process: where processes can't share, its sessions still do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from ...limiter import Limits

Result = TypeVar("Result")


class Alone:
    """Limits that only this process keeps to."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._lock = threading.Lock()
        self._taken: set[int] = set()

    def change(self, edit: Callable[[Limits], tuple[Limits, Result]]) -> Result:
        """Change the limits as one; see `shared.Medium`."""
        with self._lock:
            self._limits, result = edit(self._limits)
            return result

    def place(self, places: int) -> AlonePlace | None:
        """Return a free one of so many places; asked for within a change."""
        free = next((number for number in range(places) if number not in self._taken), None)
        if free is None:
            return None
        self._taken.add(free)
        return AlonePlace(self._taken, free)


class AlonePlace:
    """A place that is held."""

    def __init__(self, taken: set[int], number: int) -> None:
        self._taken = taken
        self._number = number

    def close(self) -> None:
        """Free it."""
        self._taken.discard(self._number)


@lru_cache(maxsize=1024)
def alone(key: str) -> Alone:
    """Return what all sessions of this process share of one model."""
    del key
    return Alone()


@lru_cache(maxsize=64)
def say_alone(why: str) -> None:
    """Tell, once, that other processes don't keep to what is used here."""
    logging.getLogger("darner").warning("limits of models are kept to by each process alone: %s", why)
