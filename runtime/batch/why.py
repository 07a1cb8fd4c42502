"""Why one row of a job is as it is: its version, its state, and where each stage's outcome came from."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Sequence

import pyarrow as pa

from ...compiler.diagnostics import did_you_mean
from ...compiler.frozen import Frozen
from ..failures import Refused
from ..journal import paths
from ..ports import Store
from .arrow import Column, compute, one_array
from .dead_rows import letter_names, letters
from .history import newest_manifest, unfinished
from .model import FILTERED_PLACE, KEY, STATE, VERSION, Manifest, PartRef, memo_fingerprint, memo_place
from .partitions import KnownRows, bucket_of, key_hashes
from .parts import read_part

NEAR = 3


class StageWhy(Frozen):
    """One stage's outcome for a row."""

    stage: str
    fingerprint: str | None = None
    """Under which the stored outcome was made (hex); None where there is none."""
    place: str | None = None
    """The part's object name with the row, or ``filtered``."""
    generation: int | None = None
    """The run that made it."""


class DeadWhy(Frozen):
    """Why a row is dead."""

    stage: str
    failure: str
    type: str
    message: str
    attempts: int


class RowWhy(Frozen):
    """What is known of one row."""

    job: str
    key: str
    state: str
    """done, filtered, dead or deleted; planned where an unfinished run has yet to say."""
    generation: int
    """The run that this is known from."""
    version: str | None = None
    """Of the source row (hex)."""
    stale: bool = False
    """The sink still has an earlier version: this one is dead, and that one was good."""
    dead: DeadWhy | None = None
    """Also of a run that isn't finished."""
    stages: tuple[StageWhy, ...] = ()
    unfinished: int | None = None
    """A plan of work, not finished, that will do this row again."""


def why(store: Store, job: str, key: str) -> RowWhy:
    """Return what is known of a row.

    Raises:
        Refused: there is no such job, or no such row in it; the message names near ones.
        Corrupt: what is stored of it is damaged.
    """
    manifest = newest_manifest(store, job)
    works = unfinished(store, job, manifest)
    waiting = [work for work in works if _waits(store, work.inputs, key)]
    if manifest is None and not waiting:
        raise _unknown_job(store, job) if not store.folders(paths.job(job)) else Refused(f"the job {job!r} has not finished a run")
    row = _newest_row(store, manifest, key) if manifest else None
    number = waiting[-1].generation if waiting else None
    died = _letter(store, job, key, [work.generation for work in works])
    if row is None and not waiting and died is None:
        raise _unknown_key(store, job, manifest, key)
    if row is None or manifest is None:
        return RowWhy(job=job, key=key, state="dead" if died else "planned", generation=works[-1].generation, dead=died, unfinished=number)
    told = _told(store, job, manifest, row)
    return told.model_copy(update={"unfinished": number, "dead": died or told.dead})


def _told(store: Store, job: str, manifest: Manifest, row: dict[str, object]) -> RowWhy:
    stages = tuple(_stage(stage, row) for stage in manifest.stages)
    dead = row[STATE] == "dead"
    version = row.get(VERSION)
    return RowWhy(
        job=job,
        key=str(row[KEY]),
        state=str(row[STATE]),
        generation=manifest.generation,
        version=version.hex() if isinstance(version, bytes) else None,
        stale=dead and bool(stages) and stages[-1].place is not None,
        dead=_letter(store, job, str(row[KEY]), range(manifest.generation + 1)) if dead else None,
        stages=stages,
    )


def _stage(stage: str, row: dict[str, object]) -> StageWhy:
    fingerprint, place = row.get(memo_fingerprint(stage)), row.get(memo_place(stage))
    made = int(place.split("/")[2]) if isinstance(place, str) and place != FILTERED_PLACE else None
    return StageWhy(
        stage=stage,
        fingerprint=fingerprint.hex() if isinstance(fingerprint, bytes) else None,
        place=place if isinstance(place, str) else None,
        generation=made,
    )


def _partition(known: KnownRows, key: str) -> pa.Table | None:
    return known.load(bucket_of(key_hashes(pa.array([key])), known.partitions)[0].as_py() or 0)


def _newest_row(store: Store, manifest: Manifest, key: str) -> dict[str, object] | None:
    table = _partition(KnownRows(store, manifest, manifest.partitions), key)
    found = [] if table is None else table.filter(compute.equal(table[KEY], key)).to_pylist()
    return found[0] if found else None


def _waits(store: Store, inputs: tuple[PartRef, ...], key: str) -> bool:
    return any(compute.is_in(pa.scalar(key), value_set=one_array(read_part(store, ref)[KEY])).as_py() for ref in inputs)


def _letter(store: Store, job: str, key: str, generations: Sequence[int]) -> DeadWhy | None:
    """Return the newest dead letter of a key among some generations, oldest first; letters that were cleared away are gone."""
    for number in reversed(generations):
        for name in letter_names(store, job, number):
            found = _letters(store, name, key)
            if found:
                fields = {name: found[0][name] for name in ("stage", "failure", "type", "message", "attempts")}
                return DeadWhy.model_validate(fields)
    return None


def _letters(store: Store, name: str, key: str) -> list[dict[str, object]]:
    table = letters(store, name)
    found: list[dict[str, object]] = [] if table is None else table.filter(compute.equal(table[KEY], key)).to_pylist()
    return found


def _unknown_job(store: Store, job: str) -> Refused:
    return Refused(f"there is no job {job!r} in {store.url}", help=did_you_mean(job, store.folders(paths.JOBS)))


def _unknown_key(store: Store, job: str, manifest: Manifest | None, key: str) -> Refused:
    near: list[str] = []
    if manifest is not None:
        known = KnownRows(store, manifest, manifest.partitions)
        for index in range(manifest.partitions):
            table = known.load(index)
            near += _nearest(one_array(table[KEY]), key) if table is not None else []
    best = difflib.get_close_matches(key, near, n=NEAR, cutoff=0.5)
    shown = f"did you mean {' or '.join(map(repr, best))}?" if best else "a key is written as it stands in the source's key column"
    return Refused(f"the job {job!r} knows no row {key!r}", help=shown)


def _nearest(keys: Column, key: str) -> list[str]:
    """Return a few keys that begin as this one does, or contain it, without comparing all of them closely."""
    begins = compute.starts_with(keys, key[: max(1, len(key) // 2)])
    holds = compute.match_substring(keys, key, ignore_case=True)
    found: list[str] = [one for one in keys.filter(compute.or_(begins, holds)).to_pylist() if one is not None]
    return heapq.nsmallest(20, found, key=lambda one: (abs(len(one) - len(key)), one))


def lines(found: RowWhy) -> list[str]:
    """Return what is known of a row as lines for people."""
    told = [f"{found.job}  {found.key}  {_shown_state(found)}"]
    if found.version is not None:
        told.append(f"  source version  {found.version}")
    if found.dead is not None:
        one = found.dead
        told.append(f"  died in {one.stage} after {one.attempts} attempt(s), {one.failure}: {one.type}: {one.message}")
    width = max((len(one.stage) for one in found.stages), default=0)
    told += [f"  {one.stage:<{width}}  {one.fingerprint or 'no outcome':<32}  {_shown_place(one)}".rstrip() for one in found.stages]
    if found.unfinished is not None:
        told.append(f"  the unfinished run of generation {found.unfinished} does this row again")
    return told


def _shown_state(found: RowWhy) -> str:
    if found.state == "planned":
        return "planned, never finished"
    if found.state == "dead" and not found.stages and found.version is None:
        return f"dead in generation {found.generation}, which isn't finished"
    stale = "; the sink still has its last good version" if found.stale else ""
    return f"{found.state} as of generation {found.generation}{stale}"


def _shown_place(one: StageWhy) -> str:
    if one.place is None:
        return ""
    return one.place if one.generation is None else f"generation {one.generation}, {one.place}"
