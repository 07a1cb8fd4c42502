"""A wave in a thread of its own, so that the driver can look around meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...failures import Crashed
from .engine import kill_workers

_TICK_SECONDS = 0.25
_NOTICE_SECONDS = 5.0
"""How long Beam may take to notice that one of its workers is dead: mostly none, and sometimes it never does."""


class InBackground:
    """Runs a wave in a thread, so that the driver can look around meanwhile; ``work`` is told how to say that a worker died."""

    def __init__(self, work: Callable[[Callable[[], None]], None]) -> None:
        self.error: BaseException | None = None
        self._work = work
        self._died = threading.Event()
        # Not the thread's own end: a thread whose `join` a signal has interrupted counts as ended from then on (CPython 3.11).
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="darner-wave")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work(self._died.set)
        except BaseException as error:  # noqa: BLE001 - Beam raises what it likes; the markers say what happened
            self.error = error
        finally:
            self._over.set()

    def running(self) -> bool:
        """Wait a moment, and return whether it still runs. A wave that doesn't notice a dead worker is given up."""
        if self._over.wait(_TICK_SECONDS):
            return False
        if self._died.is_set():
            if not self._over.wait(_NOTICE_SECONDS):
                self.error = Crashed("a worker process was killed, and Beam goes on waiting for it")
                kill_workers()
            return False
        return True

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, at most so long."""
        self._over.wait(seconds)
