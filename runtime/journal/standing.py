"""How runs stand, as their journals tell it; remembered, so that a journal is read again only when it has grown.

What is remembered is a cache: an owner that gives a run up leaves it with the run (``standing.json``), and whoever looks at
all runs puts it together (``index/runs.json``). Each entry says which journal it was folded from, is used only as
long as nothing was written to that one since, and may be deleted at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeVar

from ...compiler.frozen import Frozen
from ...compiler.settings import FailureClass
from ..failures import Missing, Refused, StoreError
from ..ledger import Totals, Week
from ..ports import Store
from ..report import Status, status_of, waits
from ..state import RunState, fold
from . import binding, log, paths
from .record import as_text
from .segments import AT_ONCE

T = TypeVar("T")


class Failed(Frozen):
    """What failures of one class cost in one week."""

    week: Week
    failure: FailureClass
    totals: Totals


class Standing(Frozen):
    """What a run's journal says of it; times in seconds since 1970. Who holds it now is nobody's to remember."""

    extent: str
    """How far the journal went that says it; see `reading.Reading`."""
    status: Status
    """As it is while nobody holds the run."""
    spec: str
    """The name of its plan; empty where that can't be read."""
    failures: tuple[Failed, ...]
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    cost: Decimal = Decimal(0)
    """In US dollars."""
    waits_for: tuple[str, ...] = ()
    user: str | None = None
    forked: str | None = None


class Remembered(Frozen):
    """The object that remembers, by run."""

    format: Literal[2] = 2
    runs: Mapping[str, Standing] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """One run: how it stands, or what is wrong with its journal; and who holds it now, if anybody."""

    run: str
    standing: Standing | None
    damage: str | None
    holder: str | None

    @property
    def status(self) -> str:
        """How it stands now."""
        if self.standing is None:
            return "damaged"
        is_held = self.holder is not None and self.standing.status in {"waiting", "interrupted"}
        return "running" if is_held else self.standing.status


def look(store: Store) -> list[Found]:
    """Return all runs of a store that were started and not deleted, by id; what was found out is remembered."""
    removed = {name.rpartition("/")[2] for name in store.names(paths.TOMBSTONES)}
    there = [one for one in store.folders(paths.RUNS) if one not in removed]
    known = remembered(store)
    found = [one for one in _at_once(store, lambda run_id: _find(store, run_id, known.get(run_id)), there) if one is not None]
    told = {one.run: one.standing for one in found if one.standing is not None and one.standing.extent and one.holder is None}
    if told != known:
        with suppress(StoreError):  # whoever may only read a store looks at every journal each time
            store.put(paths.STANDINGS, _content(Remembered(runs=told)))
    return found


def leave(store: Store, run_id: str, state: RunState, extent: str) -> None:
    """Leave how a run stands with it, for whoever looks later. ``extent``: how far the journal went that led to the state."""
    if extent:
        with suppress(StoreError):  # a saving
            store.put(paths.run_standing(run_id), _content(_standing(state, extent, _spec(store, run_id))))


def _left(store: Store, run_id: str) -> Standing | None:
    try:
        return Standing.model_validate(json.loads(store.get(paths.run_standing(run_id))))
    except (Missing, ValueError):
        return None


def _content(told: Standing | Remembered) -> bytes:
    # Not pydantic's own JSON: it neither writes nor reads a lone surrogate, as there is one in the message of many an OSError.
    return as_text(told.model_dump(mode="json", exclude_defaults=True)).encode()


def remembered(store: Store) -> Mapping[str, Standing]:
    """Return what is remembered; nothing where that can't be read."""
    try:
        return Remembered.model_validate(json.loads(store.get(paths.STANDINGS))).runs
    except (Missing, ValueError):
        return {}


def _find(store: Store, run_id: str, known: Standing | None) -> Found | None:
    """Return how a run stands; None where nothing of it had begun, or it was deleted just now."""
    try:
        for told in _told(store, run_id, known):
            if log.goes_to(store, run_id, told.extent):
                return Found(run_id, told, None, log.holder_of_known(store, run_id))
        if not binding.is_bound(store, run_id):
            return None
        reading = log.read(store, run_id)
        return Found(run_id, _standing(fold(reading.events), reading.extent, _spec(store, run_id)), None, reading.holder)
    except Refused:
        return None  # somebody's own folder, whose name can't be a run's id
    except StoreError as error:  # one damaged run must not hide the others
        is_gone = store.exists(paths.tombstone(run_id)) or not binding.is_bound(store, run_id)
        return None if is_gone else Found(run_id, None, error.message, log.holder(store, run_id))


def _told(store: Store, run_id: str, known: Standing | None) -> Iterator[Standing]:
    if known is not None:
        yield known
    left = _left(store, run_id)
    if left is not None:
        yield left


def _spec(store: Store, run_id: str) -> str:
    """Return the name of the plan that a run began with: the first line of its text says it, and the rest takes long to read."""
    try:
        first = store.get(paths.run_plan(run_id)).partition(b"\n")[0].decode("utf-8", "replace")
    except StoreError:
        return ""
    return first.removeprefix("plan: ").strip("'\" ") if first.startswith("plan: ") else ""


def _standing(state: RunState, extent: str, spec: str) -> Standing:
    return Standing(
        extent=extent,
        spec=spec,
        failures=tuple(Failed(week=week, failure=failure, totals=one) for (week, failure), one in state.attempts.totals.items()),
        status=status_of(state, None),
        started=state.started.at if state.started else None,
        finished=state.finished.at if state.finished else None,
        error=state.finished.error if state.finished else None,
        cost=state.cost,
        waits_for=tuple(one.human or "a time" for one in waits(state)),
        user=state.started.user if state.started else None,
        forked=state.started.forked if state.started else None,
    )


def _at_once(store: Store, do: Callable[[str], T], runs: Iterable[str]) -> Iterator[T]:
    """Do something for each run: one after the other in a folder, many at a time in a bucket, where nearly all is waiting."""
    if store.local_path(paths.RUNS) is not None:
        yield from map(do, runs)
        return
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="darner-runs") as pool:
        yield from pool.map(do, runs)
