"""Writes the golden journals of a new format, once: ``unshare -u sh -c 'hostname golden; python -m tests.golden.journals.write v2'``.

Those of a released format are never written again: new code must go on with what old code left.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import closing
from pathlib import Path

from darner.runtime.journal import binding as bindings
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.bucket_log import BucketLog, Tuning, take
from darner.runtime.journal.lease import Heart
from darner.runtime.journal.local_store import LocalStore
from darner.runtime.perform.flow import Surroundings, drive, make_agents, run_flow
from darner.runtime.perform.people.replies import reply
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Store
from darner.runtime.project.load import compile_spec
from darner.testing import DyingLog

from ...births import forked
from ...journal.stores import FolderBucket, as_store

HERE = Path(__file__).parent
SPEC = "spec/order.yaml"
INPUTS = {"customer": "ada", "skus": ["ab", "cde", "f"]}


class Clock:
    """Each look at the clock is a second later."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        """Return the time."""
        self.at += 1.0
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds


class Unhurried:
    """A journal that packs before it goes on, so that a kill finds the pack done."""

    def __init__(self, log: BucketLog) -> None:
        self._log = log

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def append(self, events: list[object]) -> None:
        """Write, and wait for packs."""
        self._log.append(events)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - passed on
        self._log._packer.wait()


def bound(run: str) -> Binding:
    """Return what the runs are bound to."""
    compiled = compile_spec(Path(SPEC), params={"log": f"{run}.log"})
    return Binding(run, compiled.plan, compiled.lock, compiled.prompts, INPUTS, {"log": f"{run}.log"}, SPEC)


def around(at: float) -> Surroundings:
    """Return a world of fixed times."""
    return Surroundings(EnvironmentSecrets({}), clock=Clock(at))


def live(store: Store, run: str, at: float, dies_at: int) -> None:
    """Go on with a run in a bucket, and die at a commit."""
    world, told = around(at), bound(run)
    log = take(store, run, Heart(store, "process 7 on golden"), tuning=Tuning(pack_size=4))
    with closing(log):
        if not bindings.is_bound(store, run):
            bindings.bind(store, told)
        mortal = DyingLog(Unhurried(log), commits=dies_at)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - passed on
        drive(mortal, told, world.__class__(world.secrets, clock=world.clock, store=store), make_agents(told, world))


def main(version: str) -> None:
    """Write them."""
    os.chdir(HERE / version)
    sys.path.insert(0, "spec")
    for name in ("folder", "bucket"):
        if Path(name).exists():
            raise SystemExit(f"{version}/{name} is there: golden journals are never written again")
    run_flow(LocalStore.open(Path("folder")), bound("asked"), around(1_000_000.0))
    bucket = as_store(FolderBucket(Path("bucket")))
    forked(lambda: live(bucket, "killed", 1_000_000.0, 6)).told()
    forked(lambda: live(bucket, "killed", 2_000_000.0, 1000)).told()
    reply(bucket, "killed", ['{"yes": true}'], "ada", Clock(3_000_000.0))
    forked(lambda: live(bucket, "killed", 4_000_000.0, 10)).told()
    for store in ("folder", "bucket"):
        shutil.rmtree(Path(store, "owners"), ignore_errors=True)
        shutil.rmtree(Path(store, "index"), ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
