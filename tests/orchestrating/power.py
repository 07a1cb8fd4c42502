"""Lives on a machine whose power fails: what was written and isn't durable yet is lost with the process."""

from __future__ import annotations

import importlib
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from darner.runtime import commits
from darner.runtime.commits import GroupCommit
from darner.runtime.events import Event
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.local_log import LocalLog
from darner.runtime.journal.store import open_store
from darner.runtime.perform.cache import Between
from darner.runtime.perform.flow import Surroundings
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Json
from darner.runtime.project.load import compile_spec

from .. import births


@dataclass(frozen=True)
class Life:
    """What one process does. The power fails when its commit ``fails_at`` is about to be made durable (0: never)."""

    spec: str
    store: str
    log: str
    fails_at: int = 0
    is_hasty: bool = False
    """A broken variant: what is given counts as durable, so the next call begins at once."""
    lingers: float = 0.0
    """Seconds that the power holds on while that commit waits for the disk: what other threads began meanwhile is done."""


class PowerCut:
    """A journal on a disk that loses power at a commit: nothing of it was on the disk yet, however much was written."""

    def __init__(self, log: LocalLog, life: Life) -> None:
        self._log = log
        self._left, self._lingers = life.fails_at, life.lingers
        self.epoch, self.read, self.load, self.hold, self.look, self.close = log.epoch, log.read, log.load, log.hold, log.look, log.close

    def append(self, events: Sequence[Event]) -> None:
        """Write a commit."""
        self.begin(events)
        self.finish()

    def begin(self, events: Sequence[Event]) -> None:
        """Write a commit that isn't durable yet; what was begun before is finished first."""
        self.finish()
        self._log.begin(events)

    def finish(self) -> None:
        """Make it durable, unless it is the one."""
        if self._log._begun is not None:
            self._left -= 1
            if self._left == 0:
                time.sleep(self._lingers)
                self._lose(self._log._begun[1])
        self._log.finish()

    def _lose(self, size: int) -> None:
        with self._log._path.open("r+b") as file:
            file.seek(self._log._end)
            file.write(bytes(size))
        os.kill(os.getpid(), signal.SIGKILL)


def live(life: Life) -> Json:
    """Run, or go on, and return what the flow gave; ``"parked"`` where it waits for somebody."""
    sys.path.insert(0, str(Path(life.spec).parent))
    commits.SLOW = math.inf  # this life's disk is quick, whatever else the machine's is busy with
    if life.is_hasty:
        GroupCommit.settle = lambda self: None  # type: ignore[method-assign] # noqa: ARG005 - this life's own
    params = {"log": life.log}
    compiled = compile_spec(Path(life.spec), params=params)
    bound = Binding("it", compiled.plan, compiled.lock, compiled.prompts, None, params, life.spec)
    store = open_store(life.store)
    around = Surroundings(EnvironmentSecrets({}), store=store, between=Between(store, "a test"))
    state = births.live(store, bound, around, lambda log: PowerCut(log, life))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    return state.finished.outputs if state.finished is not None else "parked"


if __name__ == "__main__":
    for name in ("darner.runtime.perform.orchestrating.conducting", "darner.runtime.project.load"):
        importlib.import_module(name)
    births.give_birth(lambda given: live(Life(**given)))
