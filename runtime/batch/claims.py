"""Who drives a job: one driver at a time, a generation for each start, and what the job's state belongs to."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from ...compiler.frozen import Frozen
from ..failures import Busy, Corrupt, Fenced, Missing, Refused
from ..journal import paths
from ..journal.local_store import remove_leftovers, saying
from ..journal.run_lock import Unshared, taken
from ..ports import Clock, Store


class Binding(Frozen):
    """Which source and sink a job's state belongs to (``binding.json``), by their connectors' identities."""

    source: str
    sink: str


class Driver(Frozen):
    """A driver start (``driver.json``)."""

    host: str
    pid: int
    at: float

    def __str__(self) -> str:
        """Return the driver as a person looks for it."""
        return f"process {self.pid} on {self.host}"


@contextmanager
def driving(store: Store, job: str, binding: Binding, clock: Clock) -> Iterator[int]:
    """Hold a job and yield the generation of this driver start; whoever has read the source calls `bind`.

    On a local store an operating system's lock lets one driver in at a time; it ends with the process, however that
    ends. In a bucket the newest claim holds: an older driver finds itself fenced (`refuse_if_fenced`).

    Raises:
        Busy: another process drives the job; the message names it.
        Refused: the job's state belongs to another source or sink.
        StoreError: the lock belongs to somebody else.
    """
    me = Driver(host=platform.node(), pid=os.getpid(), at=clock.now())
    with _locked(store, job, me):
        refuse_if_bound(store, job, binding)
        yield _claim(store, job, me)


def bind(store: Store, job: str, binding: Binding) -> None:
    """Tie a job's state to its source and sink; `Refused` where it belongs to others."""
    if not store.create(paths.job_binding(job), binding.model_dump_json().encode()):
        refuse_if_bound(store, job, binding)


def refuse_if_bound(store: Store, job: str, binding: Binding) -> None:
    """Raise `Refused` where a job's state belongs to another source or sink; nothing is written."""
    name = paths.job_binding(job)
    if not store.exists(name):
        return
    try:
        there = Binding.model_validate_json(store.get(name))
    except ValidationError as error:
        raise Corrupt(f"{name} is damaged: {error.errors()[0]['msg']}") from error
    for what, old, new in (("source", there.source, binding.source), ("sink", there.sink, binding.sink)):
        if old != new:
            raise Refused(
                f"the state of job {job!r} belongs to the {what} {old}, and this call has {new}",
                help="give this call a state of its own with --run NAME, or take the old one back",
            )


def generations(store: Store, job: str) -> list[int]:
    """Return the generations of a job, oldest first."""
    return sorted(int(one) for one in store.folders(paths.job(job)) if one.isdigit())


def refuse_if_fenced(store: Store, job: str, generation: int) -> None:
    """Raise `Fenced` where another driver has started since."""
    if any(one > generation and store.exists(paths.generation_claim(job, one)) for one in generations(store, job)):
        raise Fenced(f"another driver took the job {job!r} over; this one stops", help="look at it with `darner show`")


def _claim(store: Store, job: str, me: Driver) -> int:
    number = max(generations(store, job), default=0) + 1
    while not store.create(paths.generation_claim(job, number), me.model_dump_json().encode()):
        number += 1
    return number


@contextmanager
def _locked(store: Store, job: str, me: Driver) -> Iterator[None]:
    path = store.local_path(paths.driver_lock(job))
    if path is None:
        yield
        return
    file = Unshared(_opened(store, path))
    try:
        if not taken(file.handle):
            raise Busy(
                f"the job {job!r} is being driven by {_holder(file.handle)}",
                help="wait for it, stop it, or give this call its own --run NAME",
            )
        os.ftruncate(file.handle, 0)
        os.pwrite(file.handle, me.model_dump_json().encode(), 0)
        remove_leftovers(path.parent)
        yield
    finally:
        file.close()


def holder(store: Store, job: str) -> str | None:
    """Return who drives a job now; None for nobody, and in a bucket, where nobody can tell."""
    path = store.local_path(paths.driver_lock(job))
    if path is None or not path.exists():
        return None
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(file.fileno())
    return None


def last_start(store: Store, job: str) -> float | None:
    """Return when a job was driven last, in seconds since the epoch; None where it never was, or nobody can tell."""
    claimed = (number for number in reversed(generations(store, job)) if store.exists(paths.generation_claim(job, number)))
    return next((started(store, job, number) for number in claimed), None)


def started(store: Store, job: str, number: int) -> float | None:
    """Return when a generation of a job began, in seconds since the epoch; None where nobody can tell."""
    try:
        return Driver.model_validate_json(store.get(paths.generation_claim(job, number))).at
    except (Missing, ValidationError):
        return None


def _opened(store: Store, path: Path) -> int:
    with saying(f"opening {path}"):
        if not path.exists():
            # The store makes the folder, and says what is wrong where it can't.
            store.create(str(path.relative_to(Path(store.url))), b"")
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def _holder(handle: int) -> str:
    try:
        return str(Driver.model_validate(json.loads(os.pread(handle, 4096, 0))))
    except (ValueError, ValidationError):
        return "another process"
