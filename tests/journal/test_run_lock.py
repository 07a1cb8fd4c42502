"""The lock of a run in a folder: it ends with its owner, whatever that has started or forked."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from darner.runtime.failures import Busy
from darner.runtime.journal.log import holder, open_log
from darner.runtime.journal.store import open_store

OWNER = """
import os, subprocess, sys, time
from darner.runtime.events import StepSkipped
from darner.runtime.failures import StoreError
from darner.runtime.journal.log import open_log
from darner.runtime.journal.store import open_store
log = open_log(open_store(sys.argv[1]), "r", owner="the owner")
sleeping = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(120)"]
if sys.argv[2] == "program":
    subprocess.Popen(sleeping, close_fds=False)
elif os.fork() == 0:
    if os.fork() == 0:
        try:
            log.append([StepSkipped(at=0.0, step="a", reason="by a fork")])
        except StoreError:
            log.close()
            print(os.getpid(), flush=True)
        time.sleep(120)
    os._exit(0)
time.sleep(120)
"""


@pytest.mark.parametrize("kind", ["grandchild", "program"])
def test_whoever_outlives_the_owner_does_not_hold_its_run(tmp_path: Path, kind: str) -> None:
    """A forked grandchild has every file open that its owner has, and a program may have: with the lock's, the run would look busy.

    A fork writes nothing, and gives nothing up that isn't its own.
    """
    store = open_store(tmp_path)
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path), kind], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        other = int(owner.stdout.readline())
        try:
            assert holder(store, "r") == "the owner"
            owner.kill()
            owner.wait()
            os.kill(other, 0)  # it lives
            with closing(open_log(store, "r", owner="the next")) as log:
                assert list(log.read()) == []
        finally:
            os.kill(other, 9)


def test_a_run_in_a_folder_is_never_taken_over_and_whoever_wants_to_hears_why(tmp_path: Path) -> None:
    """The operating system knows that its owner lives: to wait is no way out for who was told to force it, and the message says so.

    (It repeated that the run is held.)
    """
    store = open_store(tmp_path)
    with closing(open_log(store, "r", owner="the owner")):
        with pytest.raises(Busy, match="the run r is held by the owner") as told:
            open_log(store, "r", owner="another one", take_over=True)
        assert told.value.help == "in a folder a run can't be taken over: whoever has it is alive; stop that process"
        with pytest.raises(Busy) as told:
            open_log(store, "r", owner="another one")
        assert told.value.help == "wait until it is done, or stop that process"
