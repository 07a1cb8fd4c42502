"""A run's journal in a bucket: one object a commit, created exclusively at the next number, one owner by fences."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..events import Event
from ..failures import Busy, Corrupt, Fenced, Missing, StoreError
from ..ports import Json, Store
from . import blobs, paths, record
from .lease import ID_SIZE, Heart, heartbeat_of
from .packs import SIZE, Packer
from .reading import Reading
from .record import Record
from .segments import History, highest_boundary, newest, read_history


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a journal in a bucket is written; not what is written."""

    pack_size: int = SIZE
    """Segments of one pack."""
    pauses: tuple[float, ...] = (0.0, 0.1, 0.5, 2.0)
    """Seconds before each try at a write whose fate is unknown."""


_USUAL = Tuning()


def take(store: Store, run_id: str, heart: Heart, *, take_over: bool = False, tuning: Tuning = _USUAL) -> BucketLog:
    """Take a run up and return its journal; see `log.open_log`. ``heart`` is this process's, for all runs that it holds."""
    history = read_history(store, run_id)
    _refuse_held(store, run_id, history, take_over=take_over)
    heart.enter()
    try:
        nonce = heart.id + secrets.token_bytes(ID_SIZE)
        while True:
            fence = _fence(history, nonce, heart.owner)
            if create(store, run_id, fence, tuning.pauses) is None and highest_boundary(store, run_id) <= fence.seq:
                break
            # Somebody was here first, or wrote so much meanwhile that the place was free again: that is history.
            history = read_history(store, run_id)
            _refuse_held(store, run_id, history, take_over=take_over)
    except BaseException:
        heart.leave()
        raise
    taken = History((*history.records, fence), history.boundary, history.leftovers)
    return BucketLog(store, run_id, taken, heart, tuning)


def read_events(store: Store, run_id: str) -> Iterator[Event]:
    """Yield a run's events without taking it up."""
    yield from _events(store, run_id, read_history(store, run_id))


def read(store: Store, run_id: str) -> Reading:
    """Return a journal with how far it goes and who holds it; see `log.read`."""
    history = read_history(store, run_id)
    last = history.records[-1] if history.records else None
    is_released = last is not None and record.mark(last, "release") is not None
    # Who hasn't released a run may write its next record at any time, and pack it away again: nothing would show that.
    extent = str(history.seq) if is_released else ""
    return Reading(_events(store, run_id, history), extent, None if last is None else _owner(store, last))


def goes_to(store: Store, run_id: str, extent: str) -> bool:
    """Return whether nobody has taken a released run up since: whoever does leaves a fence at the next number, for good."""
    try:
        store.get(paths.segment(run_id, int(extent)))
    except Missing:
        return True
    return False


def holder(store: Store, run_id: str) -> str | None:
    """Return who holds a run now, as far as heartbeats tell, or None; a damaged journal is said by whoever reads it."""
    try:
        last = newest(store, run_id)
    except Corrupt:
        return None
    return None if last is None else _owner(store, last)


def create(store: Store, run_id: str, wanted: Record, pauses: Sequence[float]) -> Record | None:
    """Write a record's segment. None: it is durable. Otherwise the record that stands there instead.

    A name that exists and an error that doesn't say what became of the write are the same: the object is read. Where
    there is none, the same bytes are sent again, for a lost request that arrives late can only write the same.

    Raises:
        StoreError: what became of it is still unknown.
    """
    name, content = paths.segment(run_id, wanted.seq), record.framed(wanted)
    unknown: StoreError | None = None
    for pause in pauses:
        time.sleep(pause)
        try:
            if store.create(name, content):
                return None
        except StoreError as error:
            unknown = error
        found = _look(store, name)
        if found is not None:
            return None if found == content else record.single(found, f"{name} in {store.url}")
    raise unknown or StoreError(f"{name} in {store.url} can't be created, and isn't there", help="try again")


def _look(store: Store, name: str) -> bytes | None:
    try:
        return store.get(name)
    except StoreError:
        return None


def _fence(history: History, nonce: bytes, owner: str) -> Record:
    return _made(history.seq, history.epoch + 1, nonce, history.before, record.encode_mark("fence", owner))


def _made(seq: int, epoch: int, nonce: bytes, before: bytes, payload: bytes) -> Record:
    _, digest = record.frame(payload, seq=seq, epoch=epoch, nonce=nonce, before=before)
    return Record(seq, epoch, nonce, before, digest, payload, 0)


def _owner(store: Store, last: Record) -> str | None:
    """Return who wrote a run's last record, if it still holds the run."""
    if record.mark(last, "release") is not None:
        return None
    told = heartbeat_of(store, last.nonce[:ID_SIZE].hex())
    return told.owner if told is not None and told.is_fresh else None


def _refuse_held(store: Store, run_id: str, history: History, *, take_over: bool) -> None:
    if take_over or not history.records:
        return
    owner = _owner(store, history.records[-1])
    if owner is not None:
        raise Busy(
            f"the run {run_id} is held by {owner}",
            help="wait until it is done, or stop that process; one that is stuck or unreachable is taken over with --take-over",
        )


def _events(store: Store, run_id: str, history: History) -> Iterator[Event]:
    where = f"{paths.journal(run_id)} in {store.url}"
    yield from blobs.whole(store, run_id, record.decode_all(history.records, where))


class BucketLog:
    """The journal of one run, held until `close` or until it is fenced. See `ports.Log`."""

    def __init__(self, store: Store, run_id: str, history: History, heart: Heart, tuning: Tuning = _USUAL) -> None:
        self._store = store
        self._run_id = run_id
        self._heart = heart
        self._last = history.records[-1]
        self._unread: History | None = history
        self._pauses = tuning.pauses
        self._ended: StoreError | Fenced | None = None
        self._is_closed = False
        self._owner = os.getpid()
        self.extent = ""
        """How far the journal goes; known once it is closed and released."""
        self._packer = Packer(store, run_id, history, tuning.pack_size)

    @property
    def epoch(self) -> int:
        """How often the run was taken up, this time included."""
        return self._last.epoch

    def read(self) -> Iterator[Event]:
        """Yield every event so far, in order."""
        # Whoever takes a run up reads it once, and has just fetched it.
        history, self._unread = self._unread, None
        if history is None or history.records[-1] is not self._last:
            history = read_history(self._store, self._run_id)
        return _events(self._store, self._run_id, history)

    def append(self, events: Sequence[Event]) -> None:
        """Write events as one group commit; they, and the payloads that they name, are durable when it returns.

        Raises:
            Fenced: another process took the run over. Nothing of this was written, and nothing more ever will be.
            StoreError: what became of it is unknown, and nothing more is written.
        """
        self._refuse_ended()
        self._create(blobs.payload(self._store, self._run_id, events))

    @property
    def _is_ours(self) -> bool:
        """Whether this process is the one that took the run up: a fork of it has no part in it."""
        return self._owner == os.getpid()

    def _refuse_ended(self) -> None:
        if not self._is_ours:
            raise StoreError(f"process {os.getpid()} was forked from the owner of {self._run_id}: it writes nothing")
        if isinstance(self._ended, Fenced):
            raise Fenced(self._ended.message, help=self._ended.help)
        if self._ended is not None:
            msg = f"nothing more is written to the journal of {self._run_id}: {self._ended.message}"
            raise StoreError(msg, help="run the same command again to go on")

    def _create(self, payload: bytes) -> None:
        wanted = _made(self._last.seq + 1, self._last.epoch, self._last.nonce, self._last.hash, payload)
        try:
            found = create(self._store, self._run_id, wanted, self._pauses)
        except StoreError as error:
            self._ended = error
            raise
        if found is not None:
            self._ended = self._fenced_by(found)
            raise self._ended
        self._last = wanted
        self._packer.add(wanted)

    def _fenced_by(self, found: Record) -> Fenced:
        owner = record.mark(found, "fence") or "another process"
        return Fenced(
            f"{owner} has taken the run {self._run_id} over, and this process has stopped",
            help=f"nothing that was durable is lost; look at the run with `darner show {self._run_id}`",
        )

    def hold(self, seconds: float) -> None:
        """Make sure that nobody takes the run by mistake within so many seconds."""
        self._heart.hold(seconds)

    def look(self) -> None:
        """Raise `Fenced` where another process has taken the run over: its fence stands right behind what was written last."""
        self._refuse_ended()
        name = paths.segment(self._run_id, self._last.seq + 1)
        content = _look(self._store, name)
        if content is None:
            return
        found = record.single(content, f"{name} in {self._store.url}")
        if found.nonce != self._last.nonce:  # else it is what another thread of this process writes just now
            self._ended = self._fenced_by(found)
            raise self._ended

    def load(self, digest: str) -> Json:
        """Return a large payload that an event names."""
        return blobs.get(self._store, self._run_id, digest)

    def close(self) -> None:
        """Give the run up, and say so in the journal; a fork has nothing to give up."""
        if self._is_closed or not self._is_ours:
            return
        self._is_closed = True
        try:
            if self._ended is None:
                self._create(record.encode_mark("release", ""))
                self.extent = str(self._last.seq + 1)
        except (StoreError, Fenced):
            pass  # then the heartbeat goes, or goes stale
        finally:
            self._packer.close()
            self._heart.leave()
