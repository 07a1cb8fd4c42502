"""Processes for tests: forked from a warm one, so that a life takes a fraction of a second, and really killed.

A module of a test's own imports and compiles what its lives need, then calls `give_birth`; the test talks to it by `midwife`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from darner.runtime.journal import binding
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import open_log
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.ports import Json, Log, Store
from darner.runtime.state import RunState

from . import warm

ROOT = Path(__file__).parents[1]
MODEL_CALLS = ("darner.runtime.perform.agents.agent_loop", "pydantic_ai.models.openai", "pydantic_ai.providers.openai")
"""What is slow to import, and every life with a model needs."""


@dataclass(frozen=True)
class Child:
    """A process made by fork."""

    pid: int
    out: int

    def told(self) -> Any:
        """Wait for its end, and return what its work came to: None where it was killed, ``"crashed"`` where it told nothing."""
        with os.fdopen(self.out) as out:
            text = out.read()
        _, status = os.waitpid(self.pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return None if killed else json.loads(text or '"crashed"')


def forked(work: Callable[[], Json]) -> Child:
    """Do something in a process of its own. The parent has no connections: they would be shared."""
    sys.stdout.flush()
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return Child(pid, out)
    try:
        os.close(out)
        os.write(into, json.dumps(work()).encode())
    except BaseException:  # noqa: BLE001 - a child says what went wrong, and is gone
        traceback.print_exc()
    finally:
        os._exit(0)


def live(store: Store, bound: Binding, around: Surroundings, mortal: Callable[[Log], Log]) -> RunState:
    """Start a run, or go on with it, by a journal that may kill this process; return how it ended."""
    with closing(open_log(store, bound.run, owner="mortal")) as log:
        if not binding.is_bound(store, bound.run):
            binding.bind(store, bound)
        return drive(mortal(log), bound, around, make_agents(bound, around))


def give_birth(life: Callable[[Any], Json]) -> None:
    """Start a life for each line of stdin, one JSON object; say its process, then what came of it."""
    for line in sys.stdin:
        child = forked(partial(life, json.loads(line)))
        _say(child.pid)
        _say(child.told())


def _say(value: Json) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Midwife:
    """Starts lives, one at a time, and says what came of each."""

    orders: IO[str]
    answers: IO[str]

    def start(self, life: Any) -> int:
        """Start a life, which is a dataclass, and return the id of its process."""
        self.orders.write(json.dumps(asdict(life)) + "\n")
        self.orders.flush()
        return int(self.told())

    def told(self) -> Any:
        """Return what a life came to, at its end; see `Child.told`."""
        line = self.answers.readline()
        assert line, "the processes' parent is gone"
        return json.loads(line)

    def run(self, life: Any) -> Any:
        """Start a life, wait for its end, and return what it came to."""
        self.start(life)
        return self.told()


def told_by(module: str, *words: str, environment: Mapping[str, str] | None = None, timeout: float = 280) -> list[Any]:
    """Run a module of the tests to its end, and return the values that it prints, one a line, as JSON."""
    command, env = [sys.executable, "-m", module, *words], os.environ | dict(environment or {})
    done = warm.run(command, timeout=timeout, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def midwife(module: ModuleType, environment: Mapping[str, str] | None = None) -> Iterator[Midwife]:
    """Yield one whose lives are those of a module that calls `give_birth`."""
    command = [sys.executable, "-m", module.__name__]
    reading, ordering = os.pipe()
    answering, telling = os.pipe()
    with os.fdopen(ordering, "w") as orders, os.fdopen(answering) as answers:
        with os.fdopen(reading) as stdin, os.fdopen(telling, "w") as stdout:
            env = os.environ | dict(environment or {})
            process = warm.Process(command, imports=warm.MODELS, cwd=ROOT, env=env, stdin=stdin, stdout=stdout, stderr=sys.__stderr__)
        with process:
            yield Midwife(orders, answers)
            process.kill()
