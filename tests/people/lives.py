"""A session with questions, approvals and timers, killed with SIGKILL at one commit after the other.

``python -m tests.people.lives FOLDER before|after FIRST LAST [EVERY [URL OPTIONS]]``: one JSON line for each commit. A life is a child
made by fork; it is really killed at the commit, and the lives after it go on. Between two lives the open questions are
answered, as people would. Stores are in FOLDER, or below the address URL, which takes OPTIONS as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from darner.runtime.events import QuestionAsked, QuestionClosed
from darner.runtime.journal import paths, record
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.record import MAGIC
from darner.runtime.journal.segments import read_history
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings
from darner.runtime.perform.people import replies
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.world import SystemClock
from darner.runtime.ports import Json, Store
from darner.runtime.project.load import compile_spec
from darner.runtime.state import RunState, fold
from darner.testing import DyingLog

from .. import births

TRADE = Path(__file__).resolve().parent / "trade"
RUN = "it"
LIVES = 30
"""More than any session needs."""


@dataclass(frozen=True)
class Place:
    """Where a session's store is."""

    url: str
    options: str = "{}"

    def open(self) -> Store:
        """Open the store."""
        return open_store(self.url, json.loads(self.options))


def live(place: Place, bound: Binding, dies_at: int, *, before: bool) -> Json:
    """Go on with the run, and tell nothing of it."""
    store = place.open()
    around = Surroundings(EnvironmentSecrets({}), store=store)
    births.live(store, bound, around, lambda log: DyingLog(log, commits=dies_at, before=before))
    return {}


def between(place: Place) -> Json:
    """Answer what is open, as people would; tell whether the run is over, and how many commits its owners made."""
    store = place.open()
    state: RunState = fold(read_events(store, RUN))
    given = set(store.names(paths.answers(RUN)))
    for asked in state.waits.open:
        if paths.answer(RUN, asked.question) not in given:
            replies.reply(store, RUN, [asked.question, "approve" if asked.about == "approval" else '{"count": 3}'], "ada")
    journal = store.local_path(paths.journal_file(RUN))
    if journal is not None:
        commits = journal.read_bytes().count(MAGIC)
    else:  # fences and farewells are records too, without events
        commits = sum(bool(record.decode(one, RUN)) for one in read_history(store, RUN).records)
    return {"is_over": state.finished is not None, "commits": commits}


def tell(place: Place) -> Json:
    """Tell how the run ended, whom it asked, and what is left of it for wakers."""
    store = place.open()
    events = list(read_events(store, RUN))
    finished = fold(events).finished
    return {
        "status": finished.status if finished else None,
        "outputs": finished.outputs if finished else None,
        "error": finished.error if finished else None,
        "asked": [one.human for one in events if isinstance(one, QuestionAsked)],
        "closed": [one.by for one in events if isinstance(one, QuestionClosed)],
        "woken": list(replies.due_runs(store, SystemClock())),
        "hints": store.names(paths.DUE),
    }


def session(folder: Path, place: Place, first: Binding, dies_at: int, *, before: bool) -> dict[str, Any]:
    """Live until the session is done, killed once; tell what came of it."""
    effects = folder / "effects"
    bound = Binding(RUN, first.plan, first.lock, first.prompts, first.inputs, {"log": str(effects)}, first.spec)
    folder.mkdir(parents=True)
    killed = commits = 0
    for _ in range(LIVES):
        left = 0 if killed else dies_at - commits
        killed += births.forked(partial(live, place, bound, left, before=before)).told() is None
        stands = births.forked(partial(between, place)).told()
        if stands["is_over"]:
            break
        commits = stands["commits"]
    told = births.forked(partial(tell, place)).told()
    return {"commit": dies_at, "killed": killed, "effects": effects.read_text().splitlines() if effects.exists() else [], **told}


def main(  # noqa: PLR0913, PLR0917 - the words of its line
    folder: Path, when: str, first_commit: int, last: int, every: int = 1, url: str = "", options: str = "{}"
) -> None:
    """Go through the commits, until one isn't reached any more."""
    sys.path.insert(0, str(TRADE))
    compiled = compile_spec(TRADE / "session.yaml", params={"log": "-"})
    first = Binding(RUN, compiled.plan, compiled.lock, compiled.prompts, {"what": "mugs"}, {}, str(TRADE / "session.yaml"))
    for commit in range(first_commit, last + 1, every):
        place = Place(f"{url}/{when}-{commit}", options) if url else Place(str(folder / str(commit) / "store"))
        told = session(folder / str(commit), place, first, commit, before=when == "before")
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        if commit and not told["killed"]:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int((sys.argv[5:6] or ["1"])[0]), *sys.argv[6:])
