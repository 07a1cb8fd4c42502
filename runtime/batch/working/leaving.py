"""A child process that is asked to leave: SIGTERM ends the work in its main thread in good order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Leaving(KeyboardInterrupt):
    """The process was asked to leave. A `KeyboardInterrupt`, since event loops let nothing else through at once."""


class Notice:
    """Stands at SIGTERM. What works is interrupted, unless it is held; a process that waits for work just goes."""

    def __init__(self) -> None:
        self._is_working = False
        self._held = 0
        self._given = False

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

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let the block be interrupted."""
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
