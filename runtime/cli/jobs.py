"""``darner run`` of a job: handed to the batch driver, with a line of progress."""

from __future__ import annotations

from pathlib import Path

from ...compiler.plan import Compiled
from ..batch.report import JobReport
from . import console, exits, running
from .call import RunCall


def run_job(call: RunCall, compiled: Compiled, *, engine: str | None, dry: bool, allow_deletes: int) -> int:
    """Run a job, or say what it would do; return the exit code."""
    from ..batch import driver  # noqa: PLC0415 - only jobs need it
    from .progress import JobProgress  # noqa: PLC0415 - likewise

    running.refuse_inputs(call)
    folder = call.spec.resolve().parent
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
            base=Path.cwd(),
        )
        if dry:
            console.emit_json(driver.dry_job(job, progress).model_dump(mode="json"))
            return exits.DONE
        report = driver.run_job(job, progress)
        return _told(report, as_json=call.as_json)


def _told(report: JobReport, *, as_json: bool) -> int:
    if as_json:
        console.emit_json(report.as_json())
    else:
        console.emit("\n".join(report.lines()))
    if report.status != "done":
        console.complain(report.error or "the job failed", report.help)
    return exits.DONE if report.status == "done" else exits.FAILED
