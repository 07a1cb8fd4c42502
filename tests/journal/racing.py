"""Two processes that take the same run up at once, round after round: ``python -m tests.journal.racing KIND URL OPTIONS ROUNDS``.

Each round starts with one line on stdin. A process that gets the run appends a few events, and says which of them were
acknowledged; one that doesn't says why.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing

from darner.runtime.events import StepSkipped
from darner.runtime.failures import Busy, Fenced
from darner.runtime.journal.log import open_log
from darner.runtime.ports import Json, Store

from .places import Place

PAUSE = 0.02
"""Seconds between two appends: long enough for the other one to come."""


def go(store: Store, me: str, number: int, *, take_over: bool) -> Json:
    """Take one run up, and tell what came of it."""
    acknowledged: list[str] = []
    try:
        with closing(open_log(store, f"run-{number}", owner=me, take_over=take_over)) as log:
            for count in range(4):
                step = f"{me}-{count}"
                log.append([StepSkipped(at=0.0, step=step, reason="")])
                acknowledged.append(step)
                time.sleep(PAUSE)
    except (Busy, Fenced) as error:
        return {"stopped": type(error).__name__, "said": error.message, "acknowledged": acknowledged}
    return {"stopped": None, "said": None, "acknowledged": acknowledged}


def main(me: str, kind: str, url: str, options: str) -> None:
    """Race once for each line of stdin, ``NUMBER`` or ``NUMBER take-over``."""
    store = Place(kind, url, options).open()
    for line in sys.stdin:
        number, *more = line.split()
        sys.stdout.write(json.dumps(go(store, me, int(number), take_over=bool(more))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
