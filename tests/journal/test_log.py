"""A run's journal on a local disk: what was acknowledged is there, what is damaged is said, one owner at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from darner.runtime.events import VERSION, Event, StepFinished
from darner.runtime.failures import Corrupt, StoreError
from darner.runtime.journal import blobs, paths, record
from darner.runtime.journal.local_log import LocalLog, take
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Json, Store

RUN = "hello-1"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def finished(step: str, value: Json = None) -> StepFinished:
    return StepFinished(at=1.0, step=step, value=value)


def written(store: Store, *commits: Sequence[Event]) -> Path:
    log = take(store, RUN, owner="a test")
    for events in commits:
        log.append(events)
    log.close()
    path = store.local_path(paths.journal_file(RUN))
    assert path is not None
    return path


def steps(store: Store) -> list[str]:
    return [event.step for event in read_events(store, RUN) if isinstance(event, StepFinished)]


def test_a_torn_last_record_is_cut_off_wherever_it_was_torn(store: Store) -> None:
    """After any partial write of the last record the ones before it are there, and writing goes on behind them."""
    path = written(store, [finished("a")], [finished("b")])
    whole = path.read_bytes()
    [first, _] = [one.end for one in _records(path)]
    for size in sorted({*range(first, len(whole), 37), first + 1, first + record.HEADER_SIZE, len(whole) - 1}):
        path.write_bytes(whole[:size])
        log = take(store, RUN, owner="a test")
        assert steps(store) == ["a"]
        log.append([finished("c")])
        log.close()
        assert steps(store) == ["a", "c"]


def test_zeros_at_the_end_count_as_a_torn_record(store: Store) -> None:
    """A file system may make a file longer before its bytes arrive."""
    path = written(store, [finished("a")])
    path.write_bytes(path.read_bytes() + bytes(5000))
    take(store, RUN, owner="a test").close()
    assert steps(store) == ["a"]


def test_a_flipped_byte_anywhere_is_corruption_and_names_the_place(store: Store) -> None:
    """Every single byte of three records, the last one too, is guarded: none can change without being noticed."""
    path = written(store, [finished("a")], [finished("b")], [finished("c")])
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(Corrupt, match=r"records\.darner.*byte \d+") as caught:
            list(read_events(store, RUN))
        assert caught.value.help
    with pytest.raises(Corrupt):
        take(store, RUN, owner="a test")


def test_a_record_that_is_gone_swapped_or_doubled_is_corruption(store: Store) -> None:
    """Records are chained: each holds the hash of the one before and its number."""
    path = written(store, [finished("a")], [finished("b")], [finished("c")])
    whole = path.read_bytes()
    one, two, _ = [found.end for found in _records(path)]
    for damaged in (whole[:one] + whole[two:], whole[:two] + whole[one:two], whole[one:], whole[one:two] + whole[:one]):
        path.write_bytes(damaged)
        with pytest.raises(Corrupt, match="another history"):
            list(read_events(store, RUN))


def _records(path: Path) -> list[record.Record]:
    with path.open("rb") as file:
        return list(record.scan(file, path.stat().st_size, str(path)))


@pytest.mark.parametrize(("kind", "version"), [("step_danced", VERSION), ("step_finished", VERSION + 1)])
def test_an_event_of_an_unknown_kind_or_version_is_an_error(store: Store, kind: str, version: int) -> None:
    """Unknown bytes are never skipped: a newer darner wrote them, and the message says so."""
    path = written(store, [finished("a")])
    [before] = _records(path)
    columns: dict[str, list[Any]] = {"version": [version], "kind": [kind], "at": [1.0], "body": ['{"step": "x"}']}
    batch = pa.RecordBatch.from_pydict(columns, schema=record.SCHEMA)
    payload = record.SCHEMA.serialize().to_pybytes() + batch.serialize().to_pybytes()
    framed, _ = record.frame(payload, seq=1, epoch=1, nonce=bytes(16), before=before.hash)
    path.write_bytes(path.read_bytes() + framed)
    with pytest.raises(Corrupt, match=r"record 1 at byte \d+ holds") as caught:
        list(read_events(store, RUN))
    assert "version of darner" in str(caught.value.help)


def test_an_event_with_an_unknown_field_is_an_error(store: Store) -> None:
    """A field that this version doesn't know could change the meaning of the event."""
    path = written(store, [finished("a")])
    [before] = _records(path)
    payload = record.encode([("step_finished", 0.0, '{"step": "b", "surprise": 1}')])
    path.write_bytes(path.read_bytes() + record.frame(payload, seq=1, epoch=1, nonce=bytes(16), before=before.hash)[0])
    with pytest.raises(Corrupt, match="surprise"):
        list(read_events(store, RUN))


class OrderedStore:
    """A store that notes whether the journal had grown when an object was written."""

    def __init__(self, real: Store) -> None:
        self.real = real
        self.journal_sizes: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def create(self, name: str, content: bytes) -> bool:
        """Write an object, and note how long the journal was after that."""
        made = self.real.create(name, content)
        path = self.real.local_path(paths.journal_file(RUN))
        assert path is not None
        self.journal_sizes.append(path.stat().st_size)
        return made


class BlobAfterItsRecord(LocalLog):
    """A broken variant: the record that names an object is durable before the object."""

    def append(self, events: Sequence[Event]) -> None:
        """Write the names first, the objects after."""
        late = [event for event in events if isinstance(event, StepFinished) and len(str(event.value)) > blobs.LIMIT]
        super().append([one.model_copy(update={"value": None, "blob": "0" * 64}) if one in late else one for one in events])
        for one in late:
            blobs.put(self._store, self._run_id, one.value)


def _is_blob_first(log: LocalLog, store: OrderedStore) -> bool:
    log.append([finished("a", "x" * (blobs.LIMIT + 1))])
    log.close()
    return store.journal_sizes == [0]


def test_a_payload_is_durable_before_the_record_that_names_it(store: Store, tmp_path: Path) -> None:
    """Otherwise a crash between the two would leave a journal that names what isn't there; the broken variant is caught."""
    ordered = OrderedStore(store)
    assert _is_blob_first(take(ordered, RUN, owner="a test"), ordered)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - it passes everything on
    other = OrderedStore(open_store(tmp_path / "other"))
    right = take(other, RUN, owner="a test")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - likewise
    wrong = BlobAfterItsRecord(right._store, RUN, right._path, right._lock)
    assert not _is_blob_first(wrong, other)


class AcknowledgesFirst(LocalLog):
    """A broken variant: append returns before anything is written."""

    def append(self, events: Sequence[Event]) -> None:
        """Remember, and write with the next one."""
        late, self._late = getattr(self, "_late", None), list(events)
        if late:
            super().append(late)


def test_append_returns_only_when_its_events_are_in_the_file(store: Store) -> None:
    """A reader beside the owner finds each commit at once; a log that acknowledges first is caught by the same look."""

    def is_honest(log: LocalLog) -> bool:
        log.append([finished("a")])
        return steps(store) == ["a"]

    log = take(store, RUN, owner="a test")
    assert not is_honest(AcknowledgesFirst(store, RUN, log._path, log._lock))
    assert is_honest(log)
    log.close()


FILL = """
import resource, signal, sys
from darner.runtime.events import StepFinished
from darner.runtime.failures import StoreError
from darner.runtime.journal.local_log import take
from darner.runtime.journal.store import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
log = take(open_store(sys.argv[1]), sys.argv[2], owner="x")
n = 0
try:
    while True:
        log.append([StepFinished(at=0.0, step=str(n), value="v" * 500)])
        n += 1
except StoreError as error:
    print(n, error.message)
try:
    log.append([StepFinished(at=0.0, step="more")])
except StoreError as error:
    print(error.message)
"""


def test_a_full_disk_stops_the_run_and_loses_nothing(store: Store, tmp_path: Path) -> None:
    """Writing fails with a clear error, again and again; what was acknowledged is there, and the run can be taken up."""
    done = subprocess.run([sys.executable, "-c", FILL, str(tmp_path), RUN], capture_output=True, text=True, check=True, timeout=60)
    first, second = done.stdout.splitlines()
    count = int(first.split()[0])
    assert "writing the journal" in first
    assert "nothing more is written" in second
    assert steps(store) == [str(number) for number in range(count)]
    log = take(store, RUN, owner="me")
    log.append([finished("after")])
    log.close()
    assert steps(store)[-1] == "after"


def test_what_the_disk_failed_to_write_is_never_called_durable(store: Store) -> None:
    """A system says once that a sync failed, and then that all is well. The log says it whenever it is asked."""
    log = take(store, RUN, owner="me")
    log.append([finished("a")])
    log.begin([finished("b")])
    file, [reading, writing] = log._file.fileno(), os.pipe()
    disk = os.dup(file)
    os.dup2(writing, file)  # nothing that can be synced
    with pytest.raises(StoreError, match="writing the journal"):
        log.finish()
    os.dup2(disk, file)
    for again in (log.finish, lambda: log.begin([finished("c")])):
        with pytest.raises(StoreError, match="nothing more is written"):
            again()
    log.close()
    for one in (disk, reading, writing):
        os.close(one)
    assert "c" not in steps(store)
    after = take(store, RUN, owner="me")
    after.append([finished("d")])
    after.close()
    assert steps(store)[-1] == "d"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_file_system_says_that_it_is_full(tmp_path: Path) -> None:
    """ENOSPC of a real, small file system becomes a StoreError that says what to do."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        store = open_store(tmp_path / "store")
        log = take(store, RUN, owner="x")

        def fill() -> None:
            for number in range(1000):
                log.append([finished(str(number), "v" * 1000)])

        with pytest.raises(StoreError, match="the disk is full") as caught:
            fill()
        log.close()
        assert "make room" in str(caught.value.help)
        assert steps(store) == [str(number) for number in range(len(steps(store)))]
        with pytest.raises(StoreError, match="the disk is full"):
            store.put("jobs/x", b"y" * 100_000)
        assert store.names("jobs") == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
