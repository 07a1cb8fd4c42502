"""``darner resume --due``: every run that waits and has something to do, each gone on with in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from ..ports import Store
from . import console, exits

_COMMAND = "from darner.runtime.cli.main import main; main()"
_STATUS = {exits.DONE: "done", exits.FAILED: "failed", exits.WAITING: "waiting", exits.WRONG: "refused"}


def wake(store: Store, target: str | None, *, single_writer: bool, as_json: bool) -> int:
    """Go on with every run that is due, and return 1 where one of them failed.

    Two wakers at once are harmless: the run's lock lets one of them in, and the other leaves it alone.
    """
    from ..perform.people.replies import due_runs  # noqa: PLC0415 - `--help` needs no runtime
    from ..perform.world import SystemClock  # noqa: PLC0415 - likewise

    told = []
    place = ["--store", store.url, *([] if target is None else ["--target", target]), *(["--single-writer"] if single_writer else [])]
    for run_id in due_runs(store, SystemClock()):
        # A process each: specs of the same store may have modules of the same names.
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", _COMMAND, "resume", run_id, "--woken", *place],
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL if as_json else None,
        )  # fmt: skip
        told.append({"run": run_id, "status": _STATUS.get(done.returncode, "failed")})
    if as_json:
        console.emit_json({"resumed": told})
    elif not told:
        console.say("nothing is due")
    return exits.FAILED if any(one["status"] == "failed" for one in told) else exits.DONE
