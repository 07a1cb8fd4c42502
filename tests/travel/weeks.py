"""The lives of one conversation of weeks: each a process, made by fork from one that has imported everything.

``python -m tests.travel.weeks FOLDER called|silent``: one JSON line for each life. Days pass by a clock that is ahead of the machine's.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from darner.runtime.cli.main import run as darner
from darner.runtime.cli.running import models_placed
from darner.runtime.events import QuestionAsked
from darner.runtime.journal import binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.people import replies
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.world import SystemClock
from darner.runtime.project.load import compile_spec

from .. import births

TRAVEL = Path(__file__).resolve().parents[2] / "specs" / "travel"
DAY = 86_400.0


class Later(SystemClock):
    """A clock some days ahead."""

    def __init__(self, days: float) -> None:
        self._ahead = days * DAY

    def now(self) -> float:
        """Return seconds since 1970, some days from now."""
        return super().now() + self._ahead


def life(work: Callable[[], Any]) -> Any:
    """Do something in a process of its own, and return what it told."""

    def quietly() -> Any:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            return work()

    return births.forked(quietly).told()


def resume(folder: Path, days: float) -> str:
    """Do on a later day what `darner resume --due` does."""
    store = open_store(folder / "store")
    if "trip" not in replies.due_runs(store, Later(days)):
        return "asleep"
    bound = binding.load(store, "trip")
    with models_placed(bound.plan, bound.models, Path(bound.base or ".")) as models:
        state = run_flow(store, bound, Surroundings(EnvironmentSecrets({}), models, clock=Later(days)))
    return state.finished.status if state.finished is not None else "waiting"


def main(folder: Path, calls: bool) -> None:
    """Go through the weeks."""
    sys.path.insert(0, str(TRAVEL))
    compile_spec(TRAVEL)
    for name in ("travel.tools", *births.MODEL_CALLS):
        importlib.import_module(name)
    place = ["--store", str(folder / "store")]
    start = ["run", str(TRAVEL), "-i", "name=Ada", "--run", "trip", "--target", "scripted", "--set", f"bookings={folder / 'bookings'}"]
    told: list[Any] = [
        life(lambda: darner([*start, *place])),
        life(lambda: darner(["answer", "trip", "traveller", "Lisbon for 3 nights", "--resume", *place])),
        life(lambda: darner(["answer", "trip", "desk", "approve", "--resume", *place])),
        life(lambda: resume(folder, 13)),
        *([life(lambda: darner(["say", "trip", "I lost my suitcase", *place]))] if calls else []),
        life(lambda: resume(folder, 15)),
    ]
    events = list(read_events(open_store(folder / "store"), "trip"))
    last: Any = events[-1]
    sys.stdout.write(
        json.dumps(
            {
                "lives": told,
                "asked": [(one.human, one.text) for one in events if isinstance(one, QuestionAsked)],
                "requests": sum(getattr(one, "requests", 0) for one in events),
                "bookings": (folder / "bookings").read_text().splitlines(),
                "outputs": getattr(last, "outputs", None),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "called")
