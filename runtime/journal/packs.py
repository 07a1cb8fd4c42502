"""Packs: many segments of a journal in one object, verified before the segments go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from ..failures import Corrupt, StoreError
from ..ports import Store
from . import paths, record
from .record import Record
from .segments import AT_ONCE, History, is_fence

SIZE = 256
"""Segments of one pack."""


def pack(store: Store, run_id: str, records: Sequence[Record], fences: Iterable[int]) -> None:
    """Put records, which follow each other, into one object, verify it, move the boundary, then remove their segments.

    Whoever packs the same records writes the same bytes. ``fences`` are never removed: an owner that was taken over
    must find them where it wants to write.
    """
    first, last = records[0].seq, records[-1].seq
    name = paths.pack(run_id, first, last)
    content = b"".join(record.framed(one) for one in records)
    store.create(name, content)
    if store.get(name) != content:
        raise Corrupt(f"{name} in {store.url} is not what was written", help="remove it: the segments that it holds are still there")
    store.create(paths.boundary(run_id, last + 1), records[-1].hash.hex().encode())
    kept = set(fences)
    remove(store, [paths.segment(run_id, seq) for seq in range(first, last + 1) if seq not in kept])


def remove(store: Store, names: Sequence[str]) -> None:
    """Remove objects, many at once."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="darner-remove") as pool:
        list(pool.map(store.delete, names))


class Packer:
    """Packs the segments of one owner beside its work, each time that there are enough.

    The newest record is never packed, so that there always is a newest segment. A store that fails leaves segments
    where they are; they are packed another time.
    """

    def __init__(self, store: Store, run_id: str, history: History, size: int = SIZE) -> None:
        self._store = store
        self._run_id = run_id
        self._size = size
        self._waiting = list(history.unpacked)
        self._fences = {one.seq for one, yes in zip(history.records, is_fence(history.records), strict=True) if yes}
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None
        if history.leftovers:
            self._begin(history.leftovers)

    def add(self, added: Record) -> None:
        """Take note of a record that is durable."""
        self._waiting.append(added)
        if len(self._waiting) > self._size and (self._under_way is None or self._under_way.done()):
            self._begin(())

    def _begin(self, leftovers: Sequence[str]) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="darner-pack")
        self._under_way = self._pool.submit(self._pack, leftovers)

    def _pack(self, leftovers: Sequence[str]) -> None:
        # What fails here is only put off, and what is corrupt is said to whoever reads it.
        with suppress(StoreError):
            if leftovers:
                remove(self._store, leftovers)
            while len(self._waiting) > self._size:
                pack(self._store, self._run_id, self._waiting[: self._size], self._fences)
                del self._waiting[: self._size]

    def wait(self) -> None:
        """Wait for what is under way."""
        if self._under_way is not None:
            wait([self._under_way])

    def close(self) -> None:
        """Wait for what is under way, and begin nothing more."""
        if self._pool is not None:
            self._pool.shutdown()
