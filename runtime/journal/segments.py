"""A journal in a bucket as it is read: packs, then segments, then forward until there is nothing more."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..failures import Corrupt, Missing
from ..ports import Store
from . import paths, record
from .record import Record

AT_ONCE = 16
"""Objects asked for at the same time."""
_TRIES = 10
_BACKUP = "bring the run's folder back from a backup, or start a new run"


@dataclass(frozen=True, slots=True)
class History:
    """The records of a journal from the first to the last, each verified. Those before ``boundary`` are in packs."""

    records: tuple[Record, ...] = ()
    boundary: int = 0
    leftovers: tuple[str, ...] = ()
    """Segments that are in packs, and that nobody removed yet."""

    @property
    def seq(self) -> int:
        """The number of the next record."""
        return len(self.records)

    @property
    def before(self) -> bytes:
        """The hash that the next record is to hold."""
        return self.records[-1].hash if self.records else record.START

    @property
    def epoch(self) -> int:
        """How often the run was taken up."""
        return self.records[-1].epoch if self.records else 0

    @property
    def unpacked(self) -> tuple[Record, ...]:
        """The records that are in segments only."""
        return self.records[self.boundary :]


@dataclass(frozen=True, slots=True)
class _Listing:
    packs: tuple[tuple[int, int], ...]
    boundary: int
    segments: tuple[int, ...]


class _Moved(Exception):
    """What was listed is gone: its owner packed it meanwhile."""


def is_fence(records: Iterable[Record]) -> Iterator[bool]:
    """Yield for each record of a history, from the first, whether it is a fence: the first of its epoch."""
    epoch = 0
    for one in records:
        yield one.epoch > epoch
        epoch = one.epoch


def read_history(store: Store, run_id: str) -> History:
    """Return everything that is durable of a journal.

    Raises:
        Corrupt: an object is damaged, or is gone from the middle.
    """
    known = -1
    for _ in range(_TRIES):
        listing = _list(store, run_id)
        try:
            return forward(store, run_id, _read(store, run_id, listing))
        except _Moved as moved:
            if listing.boundary == known:
                raise Corrupt(str(moved), help=_BACKUP) from moved
            known = listing.boundary
    raise Corrupt(f"the journal of {run_id} in {store.url} changes faster than it can be read", help="try again")


def forward(store: Store, run_id: str, history: History) -> History:
    """Return a history with what was written since, up to the first missing number."""
    records = list(history.records)
    while True:
        name = paths.segment(run_id, len(records))
        try:
            content = store.get(name)
        except Missing:
            return replace(history, records=tuple(records))
        _add(records, content, _where(store, name))


def highest_boundary(store: Store, run_id: str) -> int:
    """Return the number before which every record is in a pack."""
    return max((_number(name) for name in store.names(paths.boundaries(run_id))), default=0)


def newest(store: Store, run_id: str) -> Record | None:
    """Return the last record alone, or None where there is no journal. Its place in the history is not verified."""
    for _ in range(_TRIES):
        segments = _list(store, run_id).segments
        if not segments:
            return None
        name = paths.segment(run_id, segments[-1])
        try:
            return record.single(store.get(name), _where(store, name))
        except Missing:
            continue  # it was packed, and there are newer ones
    return None


def get_all(store: Store, names: Iterable[str]) -> list[bytes]:
    """Return objects in the order of their names, many at once."""
    wanted = list(names)
    if len(wanted) <= 1:
        return [store.get(name) for name in wanted]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="darner-read") as pool:
        return list(pool.map(store.get, wanted))


def _add(records: list[Record], content: bytes, where: str) -> None:
    """Read the next record from its segment; `Corrupt` where it isn't the one that follows."""
    found = record.single(content, where)
    record.refuse_stranger(found, len(records), records[-1].hash if records else record.START, where)
    records.append(found)


def _where(store: Store, name: str) -> str:
    return f"{name} in {store.url}"


def _number(name: str) -> int:
    return int(name.rpartition("/")[2].partition(".")[0])


def _list(store: Store, run_id: str) -> _Listing:
    """Look at the names: a hint of what can be asked for at once, and the boundary."""
    packs: list[tuple[int, int]] = []
    boundary, segments = 0, []
    for name in store.names(paths.journal(run_id)):
        if name.startswith(paths.packs(run_id)):
            first, _, last = name.rpartition("/")[2].partition(".")[0].partition("-")
            packs.append((int(first), int(last)))
        elif name.startswith(paths.boundaries(run_id)):
            boundary = max(boundary, _number(name))
        else:
            segments.append(_number(name))
    return _Listing(tuple(sorted(packs)), boundary, tuple(sorted(segments)))


def _read(store: Store, run_id: str, listing: _Listing) -> History:
    packed = _packed(store, run_id, listing)
    fresh = [seq for seq in listing.segments if seq >= listing.boundary]
    for expected, seq in enumerate(fresh, listing.boundary):
        if seq != expected:
            raise _Moved(f"{paths.segment(run_id, expected)} in {store.url} is gone, and later ones are there")
    names = [paths.segment(run_id, seq) for seq in fresh]
    records = list(packed)
    try:
        contents = get_all(store, names)
    except Missing as error:
        raise _Moved(f"{error.message}, and it was listed") from error
    for name, content in zip(names, contents, strict=True):
        _add(records, content, _where(store, name))
    fences = {one.seq for one, yes in zip(packed, is_fence(packed), strict=True) if yes}
    left = (seq for seq in listing.segments if seq < listing.boundary and seq not in fences)
    return History(tuple(records), listing.boundary, tuple(paths.segment(run_id, seq) for seq in left))


def _packed(store: Store, run_id: str, listing: _Listing) -> list[Record]:
    """Read the packs before the boundary, which must follow each other without a gap."""
    wanted, upto = [], 0
    for first, last in listing.packs:
        if first == upto and last < listing.boundary:
            wanted.append((first, last))
            upto = last + 1
    if upto != listing.boundary:
        raise Corrupt(f"the pack with record {upto} of {run_id} in {store.url} is gone", help=_BACKUP)
    records: list[Record] = []
    names = [paths.pack(run_id, first, last) for first, last in wanted]
    before = record.START
    for name, content, (first, last) in zip(names, get_all(store, names), wanted, strict=True):
        found = list(record.scan(io.BytesIO(content), len(content), _where(store, name), seq=first, before=before))
        if len(found) != last + 1 - first or found[-1].end != len(content):
            raise Corrupt(f"{_where(store, name)} is damaged: it is cut off", help=_BACKUP)
        records.extend(found)
        before = records[-1].hash
    return records
