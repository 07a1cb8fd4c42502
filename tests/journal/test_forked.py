"""A run whose owner forks: the fork has no part in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

IMPORTS = """
import os, sys
from darner.runtime.events import StepSkipped
from darner.runtime.failures import StoreError
from darner.runtime.journal.log import holder, open_log, read_events
"""
OWNER = """
from tests.journal.places import Place
store = Place("bucket", sys.argv[1]).open()
log = open_log(store, "r", owner="the owner")
log.append([StepSkipped(at=0.0, step="a", reason="")])
fork = os.fork()
if not fork:
    try:
        log.append([StepSkipped(at=0.0, step="b", reason="")])
    except StoreError as error:
        print(error.message.partition(" was ")[2], flush=True)
    log.close()
    os._exit(0)
os.waitpid(fork, 0)
print(holder(store, "r"))
log.append([StepSkipped(at=0.0, step="c", reason="")])
log.close()
print(*[event.step for event in read_events(store, "r") if isinstance(event, StepSkipped)])
"""


def test_a_fork_of_the_owner_writes_nothing_and_releases_nothing(tmp_path: Path) -> None:
    """Its parent holds the run and goes on: a release by the fork would stand where the parent writes next, and fence it."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS + OWNER, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.splitlines() == ["forked from the owner of r: it writes nothing", "the owner", "a c"]


BEGUN = """
from darner.runtime.journal.store import open_store
store = open_store(sys.argv[1])
log = open_log(store, "r", owner="the owner")
log.begin([StepSkipped(at=0.0, step="a", reason="")])
fork = os.fork()
if not fork:
    try:
        log.finish()
    except StoreError as error:
        print(error.message.partition(" was ")[2], flush=True)
    log.close()
    os._exit(0)
os.waitpid(fork, 0)
print(holder(store, "r"))
log.finish()
log.append([StepSkipped(at=0.0, step="b", reason="")])
log.close()
print(*[event.step for event in read_events(store, "r") if isinstance(event, StepSkipped)])
"""


def test_a_fork_finishes_nothing_that_its_parent_began(tmp_path: Path) -> None:
    """Were the sync to fail, the system would tell the fork, and then its parent that all is well."""
    done = subprocess.run([sys.executable, "-c", IMPORTS + BEGUN, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["forked from the owner of r, or gave the run up: it writes nothing", "the owner", "a b"]
