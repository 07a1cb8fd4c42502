"""One driver at a time; a job's state belongs to its source and sink."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from darner.runtime.batch.claims import Binding, bind, driving, refuse_if_fenced
from darner.runtime.failures import Busy, Fenced, Refused
from darner.runtime.journal import paths
from darner.runtime.journal.store import open_store

BINDING = Binding(source="files:a", sink="lancedb:b")
DRIVE = """
import os, sys, time
from darner.runtime.batch.claims import Binding, driving
from darner.runtime.journal.store import open_store
class Clock:
    def now(self): return 5.0
with driving(open_store(sys.argv[1]), "shop", Binding(source="files:a", sink="lancedb:b"), Clock()) as generation:
    other = os.fork() if "fork" in sys.argv else None
    if other is None:
        print(generation, flush=True)
    elif other == 0:
        print(os.getpid(), flush=True)  # not before its hooks for forks have run, as its parent could
    time.sleep(600)
"""


class Clock:
    """A clock that stands still."""

    def now(self) -> float:
        """Return a moment."""
        return 5.0

    async def sleep(self, seconds: float) -> None:
        """Return at once."""


def test_a_second_driver_is_told_who_holds_the_job_and_gets_it_when_that_one_is_killed(tmp_path: Path) -> None:
    """The lock ends with the process, however that ends; each start takes the next generation."""
    other = subprocess.Popen([sys.executable, "-c", DRIVE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        with pytest.raises(Busy, match=f"process {other.pid} on "), driving(open_store(tmp_path), "shop", BINDING, Clock()):
            pass
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with driving(open_store(tmp_path), "shop", BINDING, Clock()) as generation:
        assert generation == 2


def test_what_a_driver_forked_does_not_hold_its_job(tmp_path: Path) -> None:
    """A fork has every file open that its parent has: with the lock's, the job would look busy for as long as it lives."""
    driver = subprocess.Popen([sys.executable, "-c", DRIVE, str(tmp_path), "fork"], stdout=subprocess.PIPE, text=True)
    with driver:
        assert driver.stdout is not None
        fork = int(driver.stdout.readline())
        try:
            driver.kill()
            driver.wait()
            os.kill(fork, 0)  # it lives
            with driving(open_store(tmp_path), "shop", BINDING, Clock()) as generation:
                assert generation == 2
        finally:
            os.kill(fork, signal.SIGKILL)


def test_whoever_only_looks_does_not_keep_a_driver_from_starting(tmp_path: Path) -> None:
    """`darner show` asks for the holder by a lock that others may share, for a moment: no reason to say that the job is busy."""
    store = open_store(tmp_path)
    with driving(store, "shop", BINDING, Clock()):
        pass
    with (tmp_path / paths.driver_lock("shop")).open("rb") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        done = threading.Timer(0.03, fcntl.flock, (looked_at, fcntl.LOCK_UN))
        done.start()
        with driving(store, "shop", BINDING, Clock()) as generation:
            assert generation == 2
        done.join()


def test_another_source_or_sink_under_a_job_is_refused_with_both_named(tmp_path: Path) -> None:
    """State belongs to its source and sink."""
    store = open_store(tmp_path)
    with driving(store, "shop", BINDING, Clock()):
        bind(store, "shop", BINDING)
    for changed, shown in (
        (Binding(source="files:x", sink="lancedb:b"), "files:a.*files:x"),
        (Binding(source="files:a", sink="y"), "lancedb:b.*y"),
    ):
        with pytest.raises(Refused, match=shown) as found, driving(store, "shop", changed, Clock()):
            pass
        assert "--run" in str(found.value.help)
    assert not store.exists(paths.generation_claim("shop", 2)), "a refused call takes no generation"


def test_a_driver_that_others_came_after_is_fenced(tmp_path: Path) -> None:
    """In a bucket there is no lock: the newest claim holds."""
    store = open_store(tmp_path)
    store.create(paths.generation_claim("shop", 1), b"{}")
    refuse_if_fenced(store, "shop", 1)
    store.create(paths.generation_claim("shop", 2), b"{}")
    with pytest.raises(Fenced, match="shop"):
        refuse_if_fenced(store, "shop", 1)
