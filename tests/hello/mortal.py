"""Lives of specs/hello, killed by SIGKILL at their n-th journal commit."""

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

HELLO = Path(__file__).resolve().parents[2] / "specs" / "hello"


@dataclass(frozen=True)
class Life:
    """What one process does. It dies right after its commit ``dies_at``, or just before it is written (0: it lives on)."""

    store: str
    base_url: str
    dies_at: int = 0
    before: bool = False
    run: str = "it"


def live(compiled: Compiled, life: Life) -> Json:
    """Run, or go on with a run, and tell how it ended."""
    bound = Binding(life.run, compiled.plan, compiled.lock, compiled.prompts, {"city": "Paris"}, {}, str(HELLO / "hello.yaml"))
    models = {name: served(model, life.base_url) for name, model in compiled.plan.models.items()}
    around = Surroundings(EnvironmentSecrets({}), models)
    state = births.live(open_store(life.store), bound, around, lambda log: DyingLog(log, commits=life.dies_at, before=life.before))
    finished = state.finished
    assert finished is not None
    return {"status": finished.status, "outputs": finished.outputs}


def main() -> None:
    """Compile it once, before the first life."""
    sys.path.insert(0, str(HELLO))
    for name in ("s3fs", "hello.tools", *births.MODEL_CALLS):
        importlib.import_module(name)
    compiled = compile_spec(HELLO)
    births.give_birth(lambda given: live(compiled, Life(**given)))


if __name__ == "__main__":
    main()
