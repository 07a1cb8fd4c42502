"""The plan of work of a job: what is to be done against what is known, decided before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ....compiler.frozen import Frozen
from ....compiler.lowering.plantext import to_text
from ....compiler.plan import DatasetPlan, Lock, Plan
from ....connectors.ports import Readable
from ...failures import Refused
from ...journal import paths
from ...perform.values import load
from ...ports import Progress, Store
from ..arrow import compute, one_array, write_packed
from ..fingerprints import StageKey, signature_of, stage_keys
from ..history import gather_leftovers, markers_of, newest_manifest, unfinished
from ..model import Manifest, PartRef, Work
from ..needs import job_of, source_fields
from ..outcomes import DEAD_SCHEMA
from ..partitions import KnownRows, partitions_for
from ..parts import write_part
from ..report import rows_line
from ..spill import temporary_folder
from .comparing import Comparison, Rules, Verdicts
from .forecast import Forecast, StageForecast
from .intake import intake_of
from .reading import ROW, SourceRows, Wanted, read_source


@dataclass(frozen=True, slots=True)
class JobCall:
    """A call for a job: its plan, what is bound to it, and where its state is. ``job`` is its name, or ``--run ID``."""

    plan: Plan
    params: Mapping[str, Any]
    lock: Lock
    store: Store
    job: str
    allow_deletes: int = 0
    """How many deletes are allowed whatever `max_deletes` says."""
    retry_dead: bool = False
    """Dead rows are tried again; nothing else, where that can be."""
    rebuild: bool = False
    """The sink has lost its rows: each that was done is planned again, from what is stored."""


class DrySummary(Frozen):
    """What a run would do; nothing was started."""

    job: str
    resumes: bool = False
    """A plan of work is there already and would be gone on with; the counts are its own."""
    source_rows: int
    new: int
    changed: int
    redo: int
    unchanged: int
    superseded: int
    still_dead: int = 0
    left: int = 0
    null_keys: int
    broken: int
    deletes: int
    known: int
    stages: tuple[StageForecast, ...] = ()

    def lines(self) -> list[str]:
        """Return the plan of work as text, one line each."""
        judged = self.model_dump(
            include={"source_rows", "new", "changed", "redo", "unchanged", "superseded", "left", "null_keys", "broken"}
        )
        found = [rows_line(**judged, deleted=self.deletes)]
        if self.resumes:
            found.append("a run that was stopped would be gone on with")
        wide = max((len(one.stage) for one in self.stages), default=0)
        for one in self.stages:
            unsure = f" ({one.uncertain:,} of them perhaps served)" if one.uncertain else ""
            found.append(f"  {one.stage:<{wide}}  {one.run:,} to be called{unsure}, {one.reused:,} served from an earlier run")
        if self.still_dead:
            found.append(f"{self.still_dead:,} of the unchanged rows are dead since an earlier run")
        return [*found, "nothing was started"]


def plan_work(call: JobCall, source: Readable, generation: int, progress: Progress | None = None) -> Work:
    """Return the plan of work to go on with, or make one and write it; the claim on ``generation`` is held.

    A plan of work that was never finished is gone on with where its signature still holds and it isn't damaged. Otherwise the source is
    read, once, and what was computed meanwhile counts as known.

    Raises:
        Refused: a column is missing, a stage explodes rows, or more rows are gone than `max_deletes` allows.
        Semantic: more rows don't fit their type than `dead_letter: max` allows.
        ConnectorError: the source can't be read.
    """
    keys = stage_keys(call.plan, call.params, call.lock)
    signature = signature_of(call.plan, call.params, keys)
    going_on = _to_go_on_with(call, signature)
    if going_on is not None:
        return going_on
    with temporary_folder("plan") as folder:
        decided = _decide(call, keys, source, folder, progress)
        _guard(call, decided)
        return _written(call, decided, signature, generation)


def dry_run(call: JobCall, source: Readable, progress: Progress | None = None) -> DrySummary:
    """Return what `plan_work` would plan, with rows by stage; nothing is written to the store. Errors as there."""
    keys = stage_keys(call.plan, call.params, call.lock)
    going_on = _to_go_on_with(call, signature_of(call.plan, call.params, keys))
    if going_on is not None:
        return _summary(call, going_on, resumes=True)
    with temporary_folder("plan") as folder:
        decided = _decide(call, keys, source, folder, progress)
        _guard(call, decided)
        forecast = Forecast(call.plan, keys)
        for shard in _shards(decided, job_of(call.plan).checkpoint_rows):
            forecast.add(shard)
        return _summary(call, decided.work(call, "", 0), resumes=False, stages=forecast.stages())


def _summary(call: JobCall, work: Work, *, resumes: bool, stages: tuple[StageForecast, ...] = ()) -> DrySummary:
    counts = work.model_dump(include=set(DrySummary.model_fields) - {"job", "resumes", "deletes", "stages"})
    return DrySummary(job=call.job, resumes=resumes, deletes=len(work.deletes), stages=stages, **counts)


def _to_go_on_with(call: JobCall, signature: str) -> Work | None:
    if call.rebuild:
        return None  # it may hold a part of the rows only
    works = unfinished(call.store, call.job, newest_manifest(call.store, call.job))
    if not works or works[-1].signature != signature or call.store.exists(paths.given_up(call.job, works[-1].generation)):
        return None
    if call.retry_dead and not works[-1].retry:
        return None  # what died before it is to be tried again, too
    return None if _died_of_rows(call, works[-1]) else works[-1]


def _died_of_rows(call: JobCall, work: Work) -> bool:
    """Return whether more rows are dead than are allowed now: then the source, which may be repaired, is read again."""
    stages = [counts for marker in markers_of(call.store, work.job, work.generation) for counts in marker.stages.values()]
    return sum(one.dead for one in stages) > job_of(call.plan).dead_letter_max * work.judged


@dataclass(frozen=True, slots=True)
class _Decided:
    """What reading and comparing gave."""

    keys: tuple[StageKey, ...]
    basis: Manifest | None
    source: SourceRows
    verdicts: Verdicts
    partitions: int
    only_dead: bool

    def work(self, call: JobCall, signature: str, generation: int) -> Work:
        """Return the plan of work without its shards."""
        counted = self.verdicts
        return Work(
            job=call.job,
            generation=generation,
            basis=self.basis.generation if self.basis else None,
            signature=signature,
            stages={key.name: key.fingerprint for key in self.keys},
            partitions=self.partitions,
            shards=(),
            source_rows=self.source.count,
            new=counted.new,
            changed=counted.changed,
            unchanged=counted.unchanged,
            redo=counted.redo,
            superseded=counted.superseded,
            still_dead=counted.still_dead,
            left=counted.left,
            retry=call.retry_dead,
            only_dead=self.only_dead,
            null_keys=self.source.null_keys,
            broken=len(self.source.dead) - self.source.null_keys,
            deletes=tuple(counted.deletes),
            known=self.basis.live if self.basis else 0,
        )


def _decide(call: JobCall, keys: tuple[StageKey, ...], source: Readable, folder: Path, progress: Progress | None) -> _Decided:
    job = job_of(call.plan)
    dataset = call.plan.datasets[job.source]
    if call.rebuild and dataset.snapshot != "full":
        raise Refused(
            f"the sink {job.sink.to!r} has lost its table, and the source {job.source!r} names only changes",
            help="bring the table back, or feed all rows to a state of its own with --run NAME",
        )
    basis = newest_manifest(call.store, call.job)
    read = read_source(source, _wanted(call, dataset), folder / "source", _telling(progress))
    works = unfinished(call.store, call.job, basis)
    leftovers = gather_leftovers(call.store, call.job, works, folder / "leftovers")
    rules = Rules(
        stages=keys,
        known_stages=basis.stages if basis else {},
        full=dataset.snapshot == "full",
        propagate=job.sink.deletes == "propagate",
        retry_dead=call.retry_dead,
        rebuild=call.rebuild,
    )
    # What an unfinished plan of work wrote has to be put right, and a sink that is replaced needs every row.
    if call.retry_dead and basis is not None and not works and not call.rebuild and rules.same_shape and job.sink.mode != "replace":
        rules = replace(rules, only_dead=True, propagate=False)
    partitions = partitions_for(max(read.count, basis.live if basis else 0), basis)
    known = KnownRows(call.store, basis, partitions)
    verdicts = Comparison(rules, read.rows, read.keys, known, leftovers, partitions).judge(folder / "chosen")
    if job.sink.mode == "replace" and not verdicts.idle:
        whole = replace(rules, everything=True)
        verdicts = Comparison(whole, read.rows, read.keys, known, leftovers, partitions).judge(folder / "all")
    return _Decided(keys, basis, read, verdicts, partitions, only_dead=rules.only_dead)


def _wanted(call: JobCall, dataset: DatasetPlan) -> Wanted:
    job = job_of(call.plan)
    intake = intake_of(load(dataset.type))
    fields = tuple(intake.rules) if intake.whole else source_fields(call.plan)
    return Wanted(job.source, intake, dataset.key, fields, dataset.deleted, job.dead_letter_max)


def _telling(progress: Progress | None) -> Any:
    return (lambda rows: progress.update({"planning": {"rows": rows}})) if progress else (lambda _: None)


def _guard(call: JobCall, decided: _Decided) -> None:
    """Stop a run whose feed lost more rows than the sink allows, before anything is done or deleted."""
    lost, known = len(decided.verdicts.deletes), decided.basis.live if decided.basis else 0
    share = job_of(call.plan).sink.max_deletes
    if lost <= max(share * known, call.allow_deletes):
        return
    feed = "is empty" if decided.source.count == 0 else f"has {decided.source.count} rows"
    raise Refused(
        f"the source {job_of(call.plan).source!r} {feed}: {lost} of {known} known rows are gone,"
        f" and `max_deletes` allows {share * 100:g}%; nothing was changed",
        help=f"look at the feed; if they are really gone, run again with --allow-deletes {lost}",
    )


def _written(call: JobCall, decided: _Decided, signature: str, generation: int) -> Work:
    """Write shard inputs, dead letters, and the plan of work last."""
    work = decided.work(call, signature, generation)
    refs = [
        write_part(call.store, paths.shard_input(call.job, generation, number), shard)
        for number, shard in enumerate(_shards(decided, job_of(call.plan).checkpoint_rows))
    ]
    fresh = decided.verdicts.fresh_dead > 0
    work = work.model_copy(
        update={
            "shards": tuple(ref.rows for ref in refs),
            "inputs": tuple(refs),
            "source_dead": _bury(call, decided, generation) if refs or work.deletes or fresh else None,
        }
    )
    if not work.nothing_to_do:
        call.store.put(paths.work_plan(call.job, generation), to_text(call.plan, full=True).encode())
        call.store.put(paths.work(call.job, generation), work.model_dump_json().encode())
    return work


def _bury(call: JobCall, decided: _Decided, generation: int) -> PartRef | None:
    dead = decided.source.dead
    if not dead:
        return None
    rows = [
        {
            "_key": one.key,
            "_version": one.version,
            "stage": "source",
            "failure": "semantic",
            "type": "ValidationError",
            "message": str(one),
            "attempts": 1,
            "input": one.input,
        }
        for one in dead
    ]
    return write_packed(call.store, paths.dead_source(call.job, generation), pa.Table.from_pylist(rows, schema=DEAD_SCHEMA))


def _shards(decided: _Decided, size: int) -> Iterator[pa.Table]:
    """Yield the rows to be done, ``size`` at a time, in the order of the source, with what is known of their outcomes."""
    held: list[pa.Table] = []
    count = 0
    for block in decided.source.rows.blocks():
        chosen = decided.verdicts.chosen.read(block)
        if chosen is None:
            continue
        held.append(_with_fields(decided, block, chosen))
        count += chosen.num_rows
        while count >= size:
            whole = pa.concat_tables(held, promote_options="permissive")
            yield _without_empty_memos(whole.slice(0, size))
            held, count = [whole.slice(size)], count - size
    if count:
        yield _without_empty_memos(pa.concat_tables(held, promote_options="permissive"))


def _with_fields(decided: _Decided, block: int, chosen: pa.Table) -> pa.Table:
    first, rows = decided.source.rows.read(block)
    chosen = chosen.take(compute.sort_indices(chosen[ROW]))
    fields = rows.take(one_array(compute.subtract(chosen[ROW], first)))
    laid = chosen.select(["_key", "_version"])
    for name in fields.schema.names:
        laid = laid.append_column(fields.schema.field(name), fields[name])
    for name in chosen.schema.names[3:]:
        laid = laid.append_column(name, chosen[name])
    return laid


def _without_empty_memos(shard: pa.Table) -> pa.Table:
    empty = [name for name in shard.schema.names if name.startswith(("_fp.", "_at.")) and shard[name].null_count == shard.num_rows]
    return shard.drop_columns(empty).combine_chunks()
