"""``darner run`` of a job: handed to the batch driver, with a line of progress."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ...compiler.plan import Compiled
from ..batch.planning.planning import DrySummary
from ..batch.report import JobReport
from ..ports import Store
from ..project.settings import DEFAULT
from . import console, exits, running
from .call import RunCall

if TYPE_CHECKING:
    from ..batch.calls import KnownCall


def run_job(  # noqa: PLR0913 - what was said of it, by name
    call: RunCall, compiled: Compiled, *, engine: str | None, dry: bool, allow_deletes: int, retry_in: Path | None = None
) -> int:
    """Run a job, or say what it would do; return the exit code.

    ``retry_in``: its dead rows are tried again, with datasets' paths relative to there.
    """
    from ..batch import driver  # noqa: PLC0415 - only jobs need it
    from .progress import JobProgress  # noqa: PLC0415 - likewise

    folder, base = call.spec.resolve().parent, retry_in or Path.cwd()
    with running.models_placed(compiled.plan, call.models, call.base) as models, JobProgress() as progress:
        job = driver.JobRun(
            compiled=compiled,
            store=call.store,
            name=call.run_id or compiled.plan.plan,
            folder=folder,
            params=compiled.params,
            engine=engine,
            store_options=running.store_options(call.target, call.store.url),
            places=models,
            allow_deletes=allow_deletes,
            base=base,
            retry_dead=retry_in is not None,
            call=_known(call, engine, base),
        )
        if dry:
            return _planned(driver.dry_job(job, progress), as_json=call.as_json)
        with _stopping() as asked:
            try:
                report = driver.run_job(job, progress)
            except (Exception, KeyboardInterrupt):
                # Whatever an interruption becomes in the code that it hits, a user's sink or a lock: it is that.
                if not asked.is_set():
                    raise
                return _stopped(job.name, as_json=call.as_json)
        if asked.is_set() and report.status != "done":
            return _stopped(job.name, as_json=call.as_json)
        return _told(call.store, report, as_json=call.as_json)


def _known(call: RunCall, engine: str | None, base: Path) -> KnownCall:
    from ..batch.calls import KnownCall  # noqa: PLC0415 - only jobs need it

    target = None if call.target.name == DEFAULT else call.target.name
    policy = None if call.policy is None else str(call.policy.resolve())
    return KnownCall(spec=str(call.spec.resolve()), base=str(base), sets=call.sets, target=target, engine=engine, policy=policy)


def _planned(summary: DrySummary, *, as_json: bool) -> int:
    if as_json:
        console.emit_json(summary.model_dump(mode="json"))
    else:
        console.emit("\n".join(summary.lines()))
    return exits.DONE


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Interrupt the block on SIGTERM as on Ctrl-C; yield what tells that somebody asked for it."""
    asked = threading.Event()

    def stop(*_: object) -> NoReturn:
        asked.set()
        raise KeyboardInterrupt

    heard = [signal.SIGTERM, *([signal.SIGINT] if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN else [])]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopped(job: str, *, as_json: bool) -> int:
    go_on = shlex.join(["darner", *sys.argv[1:]])
    if as_json:
        console.emit_json(
            {"run": job, "status": "failed", "outputs": None, "error": f"stopped by a signal; go on with: {go_on}", "cost": None}
        )
    console.say(f"stopped; what was finished is kept. Go on with: {go_on}")
    return exits.INTERRUPTED


def _told(store: Store, report: JobReport, *, as_json: bool) -> int:
    if as_json:
        console.emit_json(report.as_json())
    else:
        console.emit("\n".join(report.lines(partial(running.again, store))))
    if report.status != "done":
        console.complain(report.error or "the job failed", report.help)
    return exits.DONE if report.status == "done" else exits.FAILED
