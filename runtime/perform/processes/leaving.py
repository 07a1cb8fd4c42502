"""A child process that is asked to leave: SIGTERM ends the work in its main thread in good order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from ...failures import Preempted

Result = TypeVar("Result")
SPOT = "spot"
"""The key of a child's setup that says whether its machine may be taken away."""


class Leaving(KeyboardInterrupt):
    """The process was asked to leave. A `KeyboardInterrupt`, since event loops let nothing else through at once."""


class Notice:
    """Stands at SIGTERM. What works is interrupted, unless it is held; a process that waits for work just goes."""

    def __init__(self) -> None:
        self._is_working = False
        self._held = 0
        self._given = False

    @classmethod
    def of(cls, setup: Mapping[str, Any]) -> Notice:
        """Return what hears of SIGTERM in a child where its ``setup`` says that its machine may be taken away, and nothing elsewhere."""
        notice = cls()
        if setup[SPOT]:
            notice.stand()
        return notice

    def stand(self) -> None:
        """Take SIGTERM over; only a main thread can, elsewhere nothing happens."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._heard)

    def _heard(self, number: int, _frame: object) -> None:
        if not self._is_working:
            # As if nobody had stood here: whoever waits for this process sees the signal.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not self._given:
            self._given = True
            if not self._held:
                raise Leaving

    def preempting(self, work: Callable[[], Result]) -> Result:
        """Return what some work gives; raises `Preempted` where the process is asked to leave meanwhile, after its `finally`."""
        try:
            with self.working():
                return work()
        except BaseException:
            if not self._given:
                raise
        raise Preempted("its process was asked to leave (SIGTERM)")

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let the block be interrupted; raises `Leaving` where the process was to leave before."""
        if self._given:
            raise Leaving
        self._is_working = True
        try:
            yield
        finally:
            self._is_working = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the block come to its end first; raises `Leaving` then, where the process is to leave."""
        given, self._held = self._given, self._held + 1
        try:
            yield
        finally:
            self._held -= 1
        if self._given and not given:
            raise Leaving
