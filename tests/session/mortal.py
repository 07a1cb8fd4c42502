"""Lives of the session, killed by SIGKILL at their n-th journal commit."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

from darner.compiler.plan import Compiled
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.places import served
from darner.runtime.ports import Json
from darner.runtime.project.load import compile_spec
from darner.testing import DyingLog

from .. import births

SPEC = Path(__file__).resolve().parent / "spec"
INPUTS = {"topics": ["sea", "moon", "iron", "rain", "wool"]}


@dataclass(frozen=True)
class Life:
    """What one process does. It dies right after its commit ``dies_at``, or just before it is written (0: it lives on)."""

    store: str
    base_url: str
    effects: str
    """The file in which the tools note what they do."""
    dies_at: int = 0
    before: bool = False


def live(compiled: Compiled, life: Life) -> Json:
    """Run, or go on with the run, and tell how it ended."""
    params = {"log": life.effects}
    bound = Binding("it", compiled.plan, compiled.lock, compiled.prompts, INPUTS, params, str(SPEC / "session.yaml"))
    models = {name: served(model, life.base_url) for name, model in compiled.plan.models.items()}
    around = Surroundings(EnvironmentSecrets({}), models)
    state = births.live(open_store(life.store), bound, around, lambda log: DyingLog(log, commits=life.dies_at, before=life.before))
    finished = state.finished
    assert finished is not None
    counts = {kind: sum(call.what == kind for call in state.calls.values()) for kind in ("model", "tool", "agent")}
    return {"status": finished.status, "outputs": finished.outputs, "error": finished.error, "drift": state.drift, "calls": counts}


def main() -> None:
    """Compile it once, before the first life."""
    sys.path.insert(0, str(SPEC))
    for name in ("desk.steps", "desk.tools", *births.MODEL_CALLS):
        importlib.import_module(name)
    compiled = compile_spec(SPEC, params={"log": "-"})
    births.give_birth(lambda given: live(compiled, Life(**given)))


if __name__ == "__main__":
    main()
