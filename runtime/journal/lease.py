"""Heartbeats: which process is alive, so that nobody takes its runs by mistake. Correctness never depends on them."""

from __future__ import annotations

import os
import platform
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import ValidationError

from ...compiler.frozen import Frozen
from ..failures import Missing, StoreError
from ..ports import Store
from . import paths

EVERY = 10.0
"""Seconds between two heartbeats."""
LASTS = 3 * EVERY
"""Seconds for which a heartbeat speaks."""
ID_SIZE = 8
_CLOCK_STEP = 3.0
"""Seconds by which a process's birth may seem to move while the machine's clock is put right."""


class Heartbeat(Frozen):
    """What a process says of itself (``owners/<process>.json``). ``until`` is in seconds since 1970, UTC."""

    owner: str
    until: float
    pid: int
    born: float
    """When the process began: another one may have its number later."""
    place: str
    """Where its number means something: the machine since its last start, and the PID namespace."""

    @property
    def is_fresh(self) -> bool:
        """Whether the process seems to be alive; one of this machine is looked up instead of believed."""
        if self.place == _place():
            born = _born(self.pid)
            return born is not None and abs(born - self.born) < _CLOCK_STEP
        return time.time() < self.until  # noqa: TID251 - compared with what another machine's clock said


def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{platform.node()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{platform.node()} {secrets.token_hex(ID_SIZE)}"  # nobody can be sure: only the clock counts


def _born(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def heartbeat_of(store: Store, process_id: str) -> Heartbeat | None:
    """Return what a process said last; None where it said nothing, took it back, or said what nobody understands."""
    try:
        return Heartbeat.model_validate_json(store.get(paths.process(process_id)))
    except (Missing, ValidationError):
        return None


class Heart:
    """The heartbeat of this process in one store, for all the runs that it holds.

    It is written from when the first run is held (`enter`) until the last one is given up (`leave`), then taken back.
    """

    def __init__(self, store: Store, owner: str) -> None:
        self.owner = owner
        self.id = secrets.token_bytes(ID_SIZE)
        """What the writers of this process are known by: their nonces begin with it."""
        self._store = store
        self._until = 0.0
        self._runs = 0
        self._lock = threading.RLock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The id as it stands in the name of the heartbeat's object."""
        return self.id.hex()

    def enter(self) -> None:
        """Hold one run more."""
        with self._lock:
            if not self._runs:
                self._beat(LASTS)
                self._end.clear()
                self._thread = threading.Thread(target=self._go_on, name="darner-heartbeat", daemon=True)
                self._thread.start()
            self._runs += 1

    def hold(self, seconds: float) -> None:
        """Make the newest heartbeat speak for at least so many seconds from now."""
        if self._until - time.time() < seconds:  # noqa: TID251 - for the clocks of other machines
            self._beat(seconds + LASTS)

    def _beat(self, seconds: float) -> None:
        with self._lock:
            until = max(self._until, time.time() + seconds)  # noqa: TID251 - likewise
            told = Heartbeat(owner=self.owner, until=until, pid=os.getpid(), born=_born(os.getpid()) or 0.0, place=_place())
            self._store.put(paths.process(self.name), told.model_dump_json().encode())
            self._until = until

    def _go_on(self) -> None:
        while not self._end.wait(EVERY):
            with suppress(StoreError):  # a missed beat invites others, and whoever comes fences this owner: nothing is lost
                self._beat(LASTS)

    def leave(self) -> None:
        """Hold one run less; with the last one the heartbeat is taken back."""
        with self._lock:
            self._runs -= 1
            if self._runs:
                return
            self._end.set()
            thread = self._thread
        if thread is not None:
            thread.join(EVERY)  # a store that hangs must not keep the process; that beat goes stale by itself
        with suppress(StoreError):  # it goes stale by itself
            self._store.delete(paths.process(self.name))
        self._until = 0.0
