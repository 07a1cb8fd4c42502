"""A driver that runs one flow, killed at one commit after the other, beside a server that counts; it tells what both saw.

``python -m tests.money.dying FOLDER [COMMIT …]``: one JSON line for the undisturbed run, then two for each commit (all,
where none is named). Each run has a server of its own, whose script goes on where it was when the run is resumed.
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from pathlib import Path
from typing import Any

from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Json, Store
from darner.runtime.state import fold
from darner.testing import DyingLog, ModelServer

from .. import births
from ..hurried import Hurried
from .selling import bound, given, plan, priced

SCRIPT = """
replies:
  - {when: {text: "mug 1"}, fail: {status: 429, retry_after: 1}, times: 2}
  - {when: {text: "mug 1"}, text: LOUD, usage: {input: 101, output: 11}, times: 1}
  - {when: {text: "mug 2"}, fail: {status: 500}, times: 1}
  - {when: {text: "mug 3"}, fail: {broken: reset}, times: 1}
  - {when: {text: "mug 3"}, text: LOUDER, usage: {input: 103, output: 13}, times: 1}
  - {text: fine, usage: {input: 200, output: 20}}
"""
CHECK = "tests.money.selling:no_shouting"
STEPS = {f"ask_{n}": {"agent": "seller", "with": {"input": f"mug {n}"}, "after": [f"ask_{n - 1}"] if n > 1 else []} for n in (1, 2, 3)}


def live(store: Store, run: Binding, commit: int, *, before: bool) -> Json:
    """Run, to be killed at a commit (0: it lives on)."""
    around = Surroundings(EnvironmentSecrets({}), clock=Hurried())
    births.live(store, run, around, lambda log: DyingLog(log, commits=commit, before=before))
    return "lived"


def journal(store: Store, run: str) -> dict[str, Any]:
    """Return what the journal says: requests that were answered or failed, tokens, money in millionths of a dollar."""
    state = fold(read_events(store, run))
    failed = sum(call.what == "model" for call in state.calls.values() for _ in call.failures)
    return {"requests": state.requests + failed, "tokens": state.tokens, "cost": int(state.cost * 1_000_000)}


def told(server: ModelServer) -> dict[str, Any]:
    """Return the same as the server and its script saw it."""
    used = given(server)
    return {"requests": server.requests, "tokens": sum(map(sum, used)), "cost": int(priced(used) * 1_000_000)}


def tell(folder: Path, commit: int, *, before: bool) -> bool:
    """Run once, resume if that was killed, print what came of it; return whether it was killed."""
    name = f"{'before' if before else 'after'}-{commit}"
    store = open_store(folder / name)
    with ModelServer(SCRIPT) as server:
        made = plan(server, check=CHECK, steps=STEPS, outputs="$ask_3")
        run = bound(made, folder, name)
        was_killed = births.forked(lambda: live(store, run, commit, before=before)).told() is None
        then = {"journal_then": journal(store, name), "server_then": told(server)} if was_killed else {}
        if was_killed:
            assert births.forked(lambda: live(store, run, 0, before=False)).told() == "lived"
        state = fold(read_events(store, name))
        classes = {failure: one.attempts for failure, one in state.attempts.by_class().items()}
        status = state.finished.status if state.finished else None
        seen = {"before": before, "killed": was_killed, "status": status, "classes": classes, "journal": journal(store, name)}
        sys.stdout.write(json.dumps({**seen, "server": told(server), **then}) + "\n")
    return was_killed


def main(folder: Path, commits: list[int]) -> None:
    """Tell of the undisturbed run, then of those that were killed."""
    for name in births.MODEL_CALLS:
        importlib.import_module(name)
    tell(folder, 0, before=False)
    for before in (False, True):
        for commit in commits or itertools.count(1):
            if not tell(folder, commit, before=before):
                break


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(one) for one in sys.argv[2:]])
