"""Processes that run the session and are killed by SIGKILL at their n-th journal commit; see tests/hello/mortal.py for the way."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from darner.compiler.plan import Compiled
from darner.runtime.journal import binding
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import open_log
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.places import served
from darner.runtime.ports import Json, Log
from darner.runtime.project.load import compile_spec
from darner.testing import DyingLog

SPEC = Path(__file__).resolve().parent / "spec"
INPUTS = {"topics": ["sea", "moon", "iron", "rain", "wool"]}

COMPILED: Compiled
"""What all lives run: compiled once, before the first."""


@dataclass(frozen=True)
class Life:
    """What one process does. It dies right after its commit ``dies_at``, or just before it is written (0: it lives on)."""

    store: str
    run: str
    base_url: str
    effects: str
    """The file in which the tools note what they do."""
    dies_at: int = 0
    before: bool = False


def live(life: Life) -> Json:
    """Run, or go on with a run, and tell how it ended."""
    params = {"log": life.effects}
    bound = Binding(life.run, COMPILED.plan, COMPILED.lock, COMPILED.prompts, INPUTS, params, str(SPEC / "session.yaml"))
    models = {name: served(model, life.base_url) for name, model in COMPILED.plan.models.items()}
    around = Surroundings(EnvironmentSecrets({}), models)
    store = open_store(life.store)
    with closing(open_log(store, life.run, owner="mortal")) as log:
        if not binding.is_bound(store, life.run):
            binding.bind(store, bound)
        mortal: Log = DyingLog(log, commits=life.dies_at, before=life.before) if life.dies_at else log
        state = drive(mortal, bound, around, make_agents(bound, around))
    finished = state.finished
    assert finished is not None
    counts = {kind: sum(call.what == kind for call in state.calls.values()) for kind in ("model", "tool", "agent")}
    return {"status": finished.status, "outputs": finished.outputs, "error": finished.error, "drift": state.drift, "calls": counts}


def say(value: Json) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


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
        say(None if killed else json.loads(text or '"crashed"'))


if __name__ == "__main__":
    sys.path.insert(0, str(SPEC))
    for name in (
        "desk.steps",
        "desk.tools",
        "darner.runtime.perform.agents.agent_loop",
        "pydantic_ai.models.openai",
        "pydantic_ai.providers.openai",
    ):
        importlib.import_module(name)
    COMPILED = compile_spec(SPEC, params={"log": "-"})
    main()
