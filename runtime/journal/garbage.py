"""What a store may let go of: runs whose time is over, shared results that have expired, what dead processes left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ...compiler.diagnostics import CompileError
from ...compiler.lowering.plantext import from_text
from ..events import Event, RunStarted
from ..failures import Busy, Corrupt, Missing, Refused, StoreError
from ..ports import Store
from ..state import fold
from . import binding, local_store, paths, shared_results, standing
from .lease import Heartbeat
from .log import holder, read_events
from .removal import is_removed, remove_run

USUAL = 30 * 86400.0
"""Seconds for which a run is kept after its end where nobody says otherwise."""
FORGOTTEN = 86400.0
"""Seconds after which a half-written file, or the heartbeat of a process that says nothing any more, is nobody's."""
FORK = "unfinished fork"


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run whose time is over: how it ended, when (seconds since 1970), and for how long it was to be kept."""

    run: str
    status: str
    finished: float
    kept: float


def old_runs(store: Store, now: float, older_than: float | None) -> Iterator[OldRun]:
    """Yield the runs that ended so long ago that they may go, and forks that were never finished.

    A run is kept for ``older_than`` seconds after its end, and never longer than its policy's ``retention``; where neither
    is said, for 30 days. Those that wait, were interrupted, are held or damaged are nobody's garbage.
    """
    known = set()
    for one in standing.look(store):
        known.add(one.run)
        told = one.standing
        if told is None or told.finished is None or one.holder is not None:
            continue
        kept = kept_for(store, one.run, older_than)
        if told.finished < now - kept:
            yield OldRun(one.run, told.status, told.finished, kept)
    for run_id in store.folders(paths.RUNS):
        if run_id not in known and not is_removed(store, run_id):
            yield from _unfinished_fork(store, run_id, now, USUAL if older_than is None else older_than)


def _unfinished_fork(store: Store, run_id: str, now: float, kept: float) -> Iterator[OldRun]:
    """A fork is bound after everything was copied: one that isn't, and that nobody holds, was killed meanwhile."""
    with suppress(StoreError, Refused):
        first = None if binding.is_bound(store, run_id) else next(iter(read_events(store, run_id)), None)
        if isinstance(first, RunStarted) and first.at < now - kept and holder(store, run_id) is None:
            yield OldRun(run_id, FORK, first.at, kept)


def kept_for(store: Store, run_id: str, older_than: float | None) -> float:
    """Return for how many seconds a run is kept after its end."""
    limits = [one for one in (older_than, _retention(store, run_id)) if one is not None]
    return min(limits, default=USUAL)


def _retention(store: Store, run_id: str) -> float | None:
    try:
        text = binding.plan_text(store, run_id)
        # Reading a plan takes long, and few have a retention.
        return from_text(text, run_id).policy.retention if "retention" in text else None
    except (Missing, ValueError, TypeError, CompileError):
        return None  # a run whose plan can't be read is kept as if it said nothing


def remove(store: Store, one: OldRun, owner: str, now: float) -> bool:
    """Delete a run, and the hints that name it; its id is never used again. Return whether it went: it may be at work again."""

    def may_go(events: list[Event]) -> bool:
        finished = fold(events).finished
        if one.status == FORK:
            return not binding.is_bound(store, one.run)
        return finished is not None and finished.at < now - one.kept

    try:
        return remove_run(store, one.run, owner=owner, now=now, may_go=may_go)
    except (Busy, Corrupt, Refused):
        return False  # somebody took it up, or deletes it too


def half_deleted(store: Store) -> Iterator[str]:
    """Yield the folders of runs whose deletion was interrupted."""
    there = set(store.folders(paths.RUNS))
    yield from (paths.run(one) for name in store.names(paths.TOMBSTONES) if (one := name.rpartition("/")[2]) in there)


def stray_hints(store: Store) -> Iterator[str]:
    """Yield the hints for wakers that name runs which were deleted."""
    for name in store.names(paths.DUE):
        if is_removed(store, paths.due_of(name)[1]):
            yield name


def dead_heartbeats(store: Store, now: float) -> Iterator[str]:
    """Yield the heartbeats of processes that were killed: nobody believes them any more, and one that lives writes it again."""
    for name in store.names(paths.OWNERS):
        try:
            told = Heartbeat.model_validate_json(store.get(name))
        except Missing:
            continue
        except ValidationError:
            yield name
            continue
        if told.until < now - FORGOTTEN and not told.is_fresh:
            yield name


def half_written(store: Store, now: float) -> list[Path]:
    """Return the hidden files that killed writers left in a folder; a bucket has none."""
    root = store.local_path("")
    return [] if root is None else list(local_store.forgotten(root, now - FORGOTTEN))


def remove_half_written(found: list[Path]) -> None:
    """Delete hidden files and folders; what can't be deleted stays."""
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def expired_results(store: Store, now: float) -> Iterator[str]:
    """Yield the object names of shared results that count no more or were kept long enough, and of damaged ones."""
    for name in shared_results.names(store):
        told = shared_results.about(store, name)
        if told is None or told.may_go(now):
            yield name


def expired_claims(store: Store, now: float) -> Iterator[str]:
    """Yield the object names of claims whose owners were killed."""
    for name in shared_results.claims(store):
        try:
            until = float(json.loads(store.get(name))["until"])
        except Missing:
            continue
        except (ValueError, KeyError, TypeError):
            until = 0.0
        if until <= now:
            yield name
