"""A hundred runs of one flow, begun by some code and gone on with by other code, in processes of their own.

``python drive_fleet.py begin|resume FOLDER SEED COUNT``: FOLDER holds ``fleet.yaml`` and its package ``fleet``. Prints,
as JSON, what each run did in this process: how it stands, the tools it called, the people it asked.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from darner.runtime.journal import binding as bindings
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, run_flow
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.project.load import compile_spec
from darner.runtime.state import fold


def jobs(seed: int, count: int) -> dict[str, dict[str, Any]]:
    """Return the inputs of each run."""
    chance = random.Random(seed)
    return {
        f"run-{number:03d}": {
            "name": f"job{number}",
            "kind": chance.choice("abc"),
            "looks": chance.randint(0, 4),
            "asks": chance.random() < 0.5,
        }
        for number in range(count)
    }


def main(what: str, folder: Path, seed: int, count: int) -> None:
    """Begin the runs, or go on with them, and tell what each did."""
    sys.path.insert(0, str(folder))
    store, spec, log = open_store(folder / "store"), folder / "fleet.yaml", folder / "calls.log"
    compiled = compile_spec(spec) if what == "begin" else None
    told = {}
    for run, given in jobs(seed, count).items():
        before = len(list(read_events(store, run)))
        if compiled is not None:
            bound = Binding(run, compiled.plan, compiled.lock, compiled.prompts, given, {"log": str(log)}, str(spec))
        else:
            bound = bindings.load(store, run)
        log.write_text("")
        state = run_flow(store, bound, Surroundings(EnvironmentSecrets()))
        events = list(read_events(store, run))
        told[run] = {
            "status": state.finished.status if state.finished else "waiting" if state.waits.parked else "?",
            "calls": log.read_text().splitlines(),
            "asked": sum(one.kind == "question_asked" for one in events[before:]),
            "finished": sum(one.payload is not None for one in fold(events[:before]).calls.values()),
            **given,
        }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
