"""A driver that runs one flow over and over, each time killed at another commit, and tells what became of it.

``python -m tests.flow.dying SPEC FOLDER``: one JSON line for the undisturbed run, then one for each commit. Every run
happens in a child made by fork, which is really killed; a second child resumes it.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Json, Store
from darner.runtime.project.load import compile_spec
from darner.runtime.state import RunState, fold
from darner.testing import DyingLog

from .. import births

INPUTS = {"customer": "ada", "skus": ["ab", "cde", "f"]}


def go(store: Store, bound: Binding, commit: int, *, before: bool) -> Json:
    """Run, to be killed at a commit (0: it lives on)."""
    around = Surroundings(EnvironmentSecrets())
    births.live(store, bound, around, lambda log: DyingLog(log, commits=commit, before=before))
    return "lived"


def told(store: Store, bound: Binding) -> Json:
    """Return how a run ended, and what it did."""
    state: RunState = fold(read_events(store, bound.run))
    finished = state.finished
    log = Path(str(bound.params["log"]))
    return {
        "status": finished.status if finished else None,
        "outputs": finished.outputs if finished else None,
        "error": finished.error if finished else None,
        "effects": log.read_text().splitlines() if log.exists() else [],
        "epochs": state.epoch,
    }


def main(spec: Path, folder: Path) -> None:
    """Tell of the undisturbed run, then of one killed after each commit, then of one killed before each."""
    sys.path.insert(0, str(spec.parent))
    store = open_store(folder / "store")
    compiled = compile_spec(spec, params={"log": "-"})
    first = Binding(run="-", plan=compiled.plan, lock=compiled.lock, prompts={}, inputs=INPUTS, params={}, spec=str(spec.resolve()))
    tell(store, first, folder, None, before=False)
    for before in (False, True):
        commit = 1
        while tell(store, first, folder, commit, before=before):
            commit += 1


def tell(store: Store, first: Binding, folder: Path, commit: int | None, *, before: bool) -> bool:
    """Run once, resume if that was killed, print what came of it; return whether it was killed."""
    name = "undisturbed" if commit is None else f"killed-{'before' if before else 'after'}-{commit}"
    bound = dataclasses.replace(first, run=name, params={"log": str(folder / f"{name}.log")})
    was_killed = births.forked(lambda: go(store, bound, commit or 0, before=before)).told() is None
    if was_killed:
        assert births.forked(lambda: go(store, bound, 0, before=False)).told() == "lived"
    sys.stdout.write(json.dumps({"commit": commit, "killed": was_killed, **told(store, bound)}) + "\n")
    return was_killed


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
