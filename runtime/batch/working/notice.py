"""A worker process that is asked to leave: what it is at hands over, nothing new begins, then it goes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

GRACE_SECONDS = 20.0
"""How long a worker waits for what it is at; platforms wait for 25 seconds at least."""
LEFT = 128 + signal.SIGTERM
_LOOK_SECONDS = 0.05


class WorkerNotice:
    """Stands at SIGTERM in a Beam worker. Whoever works in this process finds it there, see `of_this_process`."""

    def __init__(self) -> None:
        self._given = threading.Event()
        self._lock = threading.Lock()
        self._busy = 0

    def __call__(self, _number: int, _frame: object) -> None:
        """Hear of it: the main thread is where Beam waits, so everything else is done by another one."""
        if not self._given.is_set():
            self._given.set()
            threading.Thread(target=self._go, daemon=True, name="darner-leaving").start()

    @property
    def given(self) -> bool:
        """Whether this process was asked to leave."""
        return self._given.is_set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep the process until the block is over, for a while."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def _go(self) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        while self._busy and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        os._exit(LEFT)


def of_this_process() -> WorkerNotice:
    """Return what stands at SIGTERM here; in a process that isn't only a worker, one that nobody gives."""
    standing = signal.getsignal(signal.SIGTERM)
    return standing if isinstance(standing, WorkerNotice) else WorkerNotice()
