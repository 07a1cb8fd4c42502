"""One run of a job from end to end: plan of work, waves, sink, manifest; ``run_job`` is the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ...compiler.plan import Compiled, ModelPlan
from ...connectors.ports import Preparable, Readable, Upsertable
from ..failures import DarnerError, Refused
from ..journal import paths
from ..perform.world import SystemClock
from ..ports import Json, Progress, Store
from .calls import KnownCall, remember_call
from .claims import Binding, bind, driving, refuse_if_bound
from .dead import place_of_letters, reasons
from .driving.engine import Engine, chosen_engine, need_beam
from .driving.execution import Execution, Run
from .driving.finalise import finalise
from .driving.lost import lost_rows
from .driving.machine import Machine
from .driving.tally import added
from .ends import Ends, saying_end
from .groups import Allowance, Group, groups_of, ladder, workers_wished
from .history import markers_of, newest_manifest, unfinished
from .model import Counts, Work
from .needs import job_of
from .order import FLUSH_SECONDS, OPENER, StoreAddress
from .parts import DamagedPlan
from .planning.planning import DrySummary, JobCall, dry_run, plan_work
from .report import JobReport, Phases
from .working.metering import Used
from .working.spending import spent

_JUDGED = ("source_rows", "new", "changed", "redo", "unchanged", "left", "superseded", "null_keys", "broken", "still_dead")


@dataclass(frozen=True)
class JobRun:
    """A call for a job. ``name`` is what its state is called: the plan's name, or ``--run ID``."""

    compiled: Compiled
    store: Store
    name: str
    folder: Path
    """The spec's folder; its modules must be importable in this process too."""
    params: Mapping[str, Json] = field(default_factory=dict)
    engine: str | None = None
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    """Beam's options of the target, passed on as they are."""
    store_options: Mapping[str, Any] = field(default_factory=dict)
    """What `open_store` was given: child processes open the store themselves."""
    opener: str = OPENER
    places: Mapping[str, ModelPlan] = field(default_factory=dict)
    """Models that the target puts elsewhere."""
    allow_deletes: int = 0
    retry_dead: bool = False
    """Dead rows are tried again; nothing else, where that can be."""
    call: KnownCall | None = None
    """How the job was called, so that it can be called again by its name."""
    flush: float = FLUSH_SECONDS
    """Seconds of work of a slow stage that may be lost with its process."""
    base: Path | None = None
    """What relative paths of datasets are relative to; the working directory where it isn't given."""


class Quiet:
    """Shows nothing."""

    def update(self, counts: Mapping[str, Any]) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""


def dry_job(job: JobRun, progress: Progress | None = None) -> DrySummary:
    """Return what `run_job` would do, by stage; nothing is written, nothing is started. Errors as there."""
    source, sink = _ends(job)
    refuse_if_bound(job.store, job.name, Binding(source=source.identity(), sink=sink.identity()))
    with saying_end():
        lost = lost_rows(job.store, job.name, sink)
        _refuse_unwritable(sink)
    _tell_lost(lost, progress or Quiet())
    return dry_run(_call(job, rebuild=lost > 0), source, progress)


def run_job(job: JobRun, progress: Progress | None = None) -> JobReport:
    """Run a job to its end, going on where an earlier run of the same name stopped; return its report.

    A run that fails is a report with ``status`` failed and the error; everything that was finished is kept.

    Raises:
        Refused: the call is wrong, or somebody else drives the job; nothing was started.
        StoreError: the store can't be read or written before there is anything to report.
    """
    need_beam()
    shown, phases = progress or Quiet(), Phases()
    source, sink = _ends(job)
    binding = Binding(source=source.identity(), sink=sink.identity())
    with driving(job.store, job.name, binding, SystemClock()) as generation:
        with phases.timed("planning"):
            with saying_end():
                _refuse_unwritable(sink)
                lost = lost_rows(job.store, job.name, sink)
            _tell_lost(lost, shown)
            with saying_end("source"):
                work = plan_work(_call(job, rebuild=lost > 0), source, generation, shown)
        if job.call is not None:
            remember_call(job.store, job.name, job.call)
        bind(job.store, job.name, binding)  # now that the source was read: a mistyped name binds nothing
        return _Drive(job, work, generation, sink, shown, phases).to_the_end()


@dataclass(frozen=True)
class _Drive:
    job: JobRun
    work: Work
    generation: int
    sink: Upsertable
    progress: Progress
    phases: Phases

    def to_the_end(self) -> JobReport:
        if self.work.nothing_to_do:
            return self._report("done", None, None)
        engine, execution = self._prepared()
        run = Run(execution)
        try:
            run.work(partial(self._settle, run))
        except Refused:
            raise
        except DamagedPlan as error:
            self.job.store.create(paths.given_up(self.work.job, self.work.generation), b"{}")
            return self._report("failed", run, engine, error)
        except DarnerError as error:
            return self._report("failed", run, engine, error)
        return self._report("done", run, engine)

    def _prepared(self) -> tuple[Engine, Execution]:
        job, plan, machine = self.job, self.job.compiled.plan, Machine.here()
        groups = groups_of(plan)
        ladders = {group.number: ladder(plan, group, gpus=machine.gpus) for group in groups}
        workers = self._workers(machine, groups, ladders)
        engine = chosen_engine(job.engine, job.engine_options, workers=workers)
        address = StoreAddress(url=job.store.url, options=dict(job.store_options), opener=job.opener)
        return engine, Execution(
            compiled=job.compiled, work=self.work, generation=self.generation, store=job.store, address=address, sink=self.sink,
            engine=engine, groups=groups, ladders=ladders, threads=machine.threads(engine.workers), gpus=machine.gpus,
            progress=self.progress, phases=self.phases, params=job.params, places=job.places, folder=str(job.folder), flush=job.flush,
        )  # fmt: skip

    def _workers(self, machine: Machine, groups: tuple[Group, ...], ladders: Mapping[int, tuple[Allowance, ...]]) -> int:
        allowances = tuple(one for rungs in ladders.values() for one in rungs)
        return machine.workers(allowances, shards=max(1, len(self.work.shards)), wished=workers_wished(self.job.compiled.plan, groups))

    def _settle(self, run: Run) -> None:
        """Take away what is gone, build indexes, and record what is current: in this order, each of it again after a crash."""
        rules = job_of(self.job.compiled.plan).sink
        written = run.tally.outcomes_of_last_group()
        with self.phases.timed("sink"), saying_end():
            if rules.mode == "replace":
                run.commits.delete_strangers(written)
            if rules.deletes == "propagate":
                # An earlier version of what is filtered now may be there: of an earlier run, or of a shard that was done again.
                older = [one for one in run.tally.markers() if self.work.basis is not None or one.shard in run.commits.redone]
                run.commits.delete([*self.work.deletes, *run.commits.filtered_keys(older)])
        with self.phases.timed("index"), saying_end():
            run.commits.finish(written)
        with self.phases.timed("manifest"):
            report = self._report("done", run, None)
            finalise(self.job.store, self.work, list(run.tally.markers()), report.model_dump(mode="json"))

    def _report(self, status: str, run: Run | None, engine: Engine | None, error: DarnerError | None = None) -> JobReport:
        tally = run.tally if run else None
        work = self.work
        used = spent(self.job.store, work.job, work.generation) if run else Used()
        dead = (tally.dead() if tally else 0) + work.broken + work.null_keys
        return JobReport.model_validate(
            {
                "run": self.job.name, "status": status, "generation": self.generation,
                "engine": engine.name if engine else "", "workers": engine.workers if engine else 0,
                "rows": sum(work.shards), "written": run.commits.rows if run else 0, "deleted": len(work.deletes),
                "dead": dead, **(_letters_of(self.job.store, work) if dead else {}),
                "stages": tally.counts() if tally else {}, **used.as_dict(),
                "seconds": {name: round(spent, 3) for name, spent in self.phases.seconds.items()},
                "error": error.message if error else None, "help": error.help if error else None,
                **work.model_dump(include=set(_JUDGED)),
            }
        )  # fmt: skip


def dead_letters(job: str, generation: int) -> str:
    """Return the folder of a plan of work's dead letters."""
    return paths.dead(job, generation, 0, 0).rpartition("/")[0]


def _letters_of(store: Store, work: Work) -> dict[str, Any]:
    """Return where a plan of work's dead letters are and what they say; nothing where it wrote none."""
    if work.nothing_to_do:
        return {}
    name = dead_letters(work.job, work.generation)
    found = reasons(store, work)
    return {"dead_letters": name, "dead_letters_at": place_of_letters(store, name), "reasons": [one.model_dump() for one in found]}


def job_report(store: Store, name: str) -> JobReport:
    """Return the final table of a job's last finished run, or how far a run has come that isn't finished.

    `Refused` where there is no such job, or it has never got as far as a plan of work.
    """
    manifest = newest_manifest(store, name)
    works = unfinished(store, name, manifest)
    if works:
        return _so_far(store, works[-1])
    if manifest is None:
        raise Refused(f"there is no job {name!r} in {store.url}", help="`darner ps` lists what there is")
    return JobReport.model_validate(manifest.counts)


def _so_far(store: Store, work: Work) -> JobReport:
    """Return what the markers say of a plan of work that has no manifest yet."""
    sums: dict[str, Counts] = {stage: Counts() for stage in work.stages}
    dead = work.broken + work.null_keys
    for marker in markers_of(store, work.job, work.generation):
        for stage, one in marker.stages.items():
            sums[stage] = added(sums[stage], one)
            dead += one.dead
    used = spent(store, work.job, work.generation)
    return JobReport(
        run=work.job,
        status="unfinished",
        **used.as_dict(),
        generation=work.generation,
        rows=sum(work.shards),
        dead=dead,
        **(_letters_of(store, work) if dead else {}),
        stages=sums,
        **work.model_dump(include=set(_JUDGED)),
    )


def _refuse_unwritable(sink: Upsertable) -> None:
    if isinstance(sink, Preparable):
        sink.refuse_unwritable()


def _tell_lost(rows: int, progress: Progress) -> None:
    if rows:
        progress.note(f"the sink's table is gone or empty, where {rows:,} rows were written: it is built again from what is stored")


def _call(job: JobRun, *, rebuild: bool) -> JobCall:
    compiled = job.compiled
    return JobCall(compiled.plan, job.params, compiled.lock, job.store, job.name, job.allow_deletes, job.retry_dead, rebuild)


def _ends(job: JobRun) -> tuple[Readable, Upsertable]:
    ends = Ends(job.compiled.plan, job.params, job.folder.resolve(), job.base)
    return ends.source(), ends.sink()
