"""A session with questions, approvals and timers, killed with SIGKILL at one commit after the other.

``python lives.py FOLDER before|after FIRST LAST``: one JSON line for each commit. A life is a child made by fork; it is really
killed at the commit, and the lives after it go on. Between two lives the open questions are answered, as people would.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

from darner.runtime.events import QuestionAsked, QuestionClosed
from darner.runtime.journal import binding, paths
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import open_log, read_events
from darner.runtime.journal.record import MAGIC
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.perform.people import replies
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.perform.world import SystemClock
from darner.runtime.ports import Log, Store
from darner.runtime.project.load import compile_spec
from darner.runtime.state import RunState, fold
from darner.testing import DyingLog

TRADE = Path(__file__).resolve().parent / "trade"
RUN = "it"
LIVES = 30
"""More than any session needs."""


def live(store: Store, bound: Binding, dies_at: int, *, before: bool) -> int:
    """Run in a child, and return its wait status."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    code = 70
    try:
        around = Surroundings(EnvironmentSecrets({}), store=store)
        with closing(open_log(store, RUN, owner="mortal")) as log:
            if not binding.is_bound(store, RUN):
                binding.bind(store, bound)
            journal: Log = DyingLog(log, commits=dies_at, before=before) if dies_at > 0 else log
            drive(journal, bound, around, make_agents(bound, around))
        code = 0
    except BaseException:  # noqa: BLE001 - a child tells what went wrong, and is gone
        traceback.print_exc()
    finally:
        os._exit(code)


def answer_all(store: Store, state: RunState) -> None:
    """Answer what is open."""
    given = set(store.names(paths.answers(RUN)))
    for asked in state.waits.open:
        if paths.answer(RUN, asked.question) not in given:
            replies.reply(store, RUN, [asked.question, "approve" if asked.about == "approval" else '{"count": 3}'], "ada")


def session(folder: Path, first: Binding, dies_at: int, *, before: bool) -> dict[str, Any]:
    """Live until the session is done, killed once; tell what came of it."""
    store, effects = open_store(folder / "store"), folder / "effects"
    bound = Binding(RUN, first.plan, first.lock, first.prompts, first.inputs, {"log": str(effects)}, first.spec)
    journal, killed = folder / "store" / paths.journal_file(RUN), 0
    folder.mkdir(parents=True)
    state = RunState()
    for _ in range(LIVES):
        commits = journal.read_bytes().count(MAGIC) if journal.exists() else 0
        status = live(store, bound, 0 if killed else dies_at - commits, before=before)
        killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        state = fold(read_events(store, RUN))
        if state.finished is not None:
            break
        answer_all(store, state)
    events = list(read_events(store, RUN))
    return {
        "commit": dies_at,
        "killed": killed,
        "status": state.finished.status if state.finished else None,
        "outputs": state.finished.outputs if state.finished else None,
        "error": state.finished.error if state.finished else None,
        "effects": effects.read_text().splitlines() if effects.exists() else [],
        "asked": [one.human for one in events if isinstance(one, QuestionAsked)],
        "closed": [one.by for one in events if isinstance(one, QuestionClosed)],
        "woken": list(replies.due_runs(store, SystemClock())),
        "hints": store.names(paths.DUE),
    }


def main(folder: Path, when: str, first_commit: int, last: int) -> None:
    """Go through the commits, until one isn't reached any more."""
    sys.path.insert(0, str(TRADE))
    compiled = compile_spec(TRADE / "session.yaml", params={"log": "-"})
    first = Binding(RUN, compiled.plan, compiled.lock, compiled.prompts, {"what": "mugs"}, {}, str(TRADE / "session.yaml"))
    for commit in range(first_commit, last + 1):
        told = session(folder / str(commit), first, commit, before=when == "before")
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        if commit and not told["killed"]:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
