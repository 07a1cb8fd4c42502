"""Processes that run a spec, die at a commit of their journal, and import its Python as it is when they begin.

Each is forked from one that has imported darner, and nothing of the spec. One line of JSON on stdin is one life; see `Life`.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from darner.runtime.events import CallStarted, Event
from darner.runtime.failures import DarnerError
from darner.runtime.journal import binding
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import open_log
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Json, Log, Store
from darner.runtime.project.load import compile_spec
from darner.testing import DyingLog


@dataclass(frozen=True)
class Life:
    """What one process does. It dies right after its commit ``dies_at``, or just ``before`` it is written (0: it lives on)."""

    spec: str
    store: str
    run: str = "it"
    inputs: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    dies_at: int = 0
    before: bool = False
    dies_with: str = ""
    """It dies at the commit that has the first event of this kind."""
    of: str = ""
    """The event must be one of a call of this name."""
    spares: str = ""
    """It lives on once a call of this name has begun."""
    strict: bool = False


class ChoosyLog(DyingLog):
    """A journal that kills its process, or spares it, at an event of some kind."""

    def __init__(self, log: Log, life: Life) -> None:
        super().__init__(log, commits=life.dies_at, before=life.before)
        self._life = life
        self._of: set[str] = set()

    def append(self, events: Sequence[Event]) -> None:
        """Write one commit, and die if it has such an event."""
        self._of |= {event.call for event in events if isinstance(event, CallStarted) and event.name == self._life.of}
        if any(event.kind == self._life.dies_with and (not self._life.of or getattr(event, "call", None) in self._of) for event in events):
            self._left = 1
        if any(isinstance(event, CallStarted) and event.name == self._life.spares for event in events):
            self._left = 0
        super().append(events)


def live(life: Life) -> Json:
    """Run, or go on with a run, and tell how it ended."""
    sys.path.insert(0, str(Path(life.spec).parent))
    store = open_store(life.store)
    bound = _bound(store, life)
    around = Surroundings(EnvironmentSecrets({}), strict=life.strict)
    try:
        with closing(open_log(store, life.run, owner="mortal")) as log:
            state = drive(ChoosyLog(log, life), bound, around, make_agents(bound, around))
    except DarnerError as error:
        return {"status": None, "raised": type(error).__name__, "error": error.message}
    finished = state.finished
    assert finished is not None
    drift = {step: [state.calls[call].name for call in calls] for step, calls in state.drift.items()}
    return {"status": finished.status, "outputs": finished.outputs, "error": finished.error, "drift": drift, "epoch": state.epoch}


def _bound(store: Store, life: Life) -> Binding:
    if binding.is_bound(store, life.run):
        return binding.load(store, life.run)
    compiled = compile_spec(Path(life.spec), params=life.params)
    first = Binding(life.run, compiled.plan, compiled.lock, compiled.prompts, life.inputs, life.params, life.spec)
    binding.bind(store, first)
    return first


@dataclass(frozen=True)
class Midwife:
    """Starts lives, one at a time, and says what came of each."""

    process: subprocess.Popen[str]

    def run(self, life: Life) -> Any:
        """Wait for a life's end, and return what it told; None where it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(life)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the processes' parent is gone"
        return json.loads(line)


@contextmanager
def midwife() -> Iterator[Midwife]:
    """Yield one whose processes are forked from a warm one."""
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Midwife(process)
        process.kill()


def main() -> None:
    """Give birth to a process for each line of stdin, and say what came of it: null where it was killed."""
    for line in sys.stdin:
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(out)
            os.write(into, json.dumps(live(Life(**json.loads(line)))).encode())
            os._exit(0)
        os.close(into)
        with os.fdopen(out) as told:
            text = told.read()
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write(("null" if killed else text or '"crashed"') + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    for name in ("darner.runtime.perform.orchestrating.conducting", "darner.runtime.project.load"):
        importlib.import_module(name)
    main()
