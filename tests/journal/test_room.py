"""A journal's file with room ahead: what a crash tears is told from damage, and readers beside the owner see whole records."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from darner.runtime.events import StepFinished
from darner.runtime.failures import Corrupt
from darner.runtime.journal import local_log, paths, record, tearing
from darner.runtime.journal.local_log import take
from darner.runtime.journal.log import read_events
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store

RUN = "roomy-1"
ROOM = bytes(4096)
S = tearing.SECTOR


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def finished(step: str, size: int = 0) -> StepFinished:
    return StepFinished(at=1_767_225_600.5, step=step, value="v" * size)


def file_of(store: Store) -> Path:
    path = store.local_path(paths.journal_file(RUN))
    assert path is not None
    return path


def steps(store: Store) -> list[str]:
    return [event.step for event in read_events(store, RUN) if isinstance(event, StepFinished)]


def two_records(store: Store, first: int, second: int) -> tuple[bytes, int]:
    """Write ``a`` and ``b`` with values so long; return the file's bytes, and where the second one begins."""
    log = take(store, RUN, owner="a test")
    log.append([finished("a", first)])
    end = log._end
    log.append([finished("b", second)])
    log.close()
    return file_of(store).read_bytes(), end


def sectors(start: int, end: int) -> list[tuple[int, int]]:
    """Return what each sector has of a range of bytes."""
    edges = [start, *range(start // S * S + S, end, S), end]
    return list(itertools.pairwise(edges))


def losing(whole: bytes, lost: list[tuple[int, int]]) -> bytes:
    torn = bytearray(whole + ROOM)
    for start, end in lost:
        torn[start:end] = bytes(end - start)
    return bytes(torn)


def lost_somehow(whole: bytes, begins: int, chance: random.Random) -> Iterator[bytes]:
    """Yield the file as crashes leave it: any sectors of the last record lost, each one alone, and all but each."""
    parts = sectors(begins, len(whole))
    chosen = [[one] for one in parts] + [[one for one in parts if one is not other] for other in parts]
    chosen += [chance.sample(parts, chance.randint(1, len(parts))) for _ in range(5)]
    yield from (losing(whole, lost) for lost in chosen if lost)


@pytest.mark.parametrize("seed", range(25))
def test_a_record_that_lost_any_of_its_sectors_is_cut_off_and_the_run_goes_on(store: Store, seed: int) -> None:
    """Sectors reach the disk in any order; wherever a record lies in them, whatever is lost, the ones before it are there."""
    chance = random.Random(seed)
    whole, begins = two_records(store, chance.randrange(600), chance.randrange(3000))
    for torn in lost_somehow(whole, begins, chance):
        if torn[: len(whole)] == whole:
            continue  # the zeros with which a record ends, alone in their sector: nothing is lost
        file_of(store).write_bytes(torn)
        assert steps(store) == ["a"]
        log = take(store, RUN, owner="a test")
        log.append([finished("c")])
        log.close()
        assert steps(store) == ["a", "c"]


def test_without_a_look_at_sectors_a_torn_record_would_be_called_damage(store: Store) -> None:
    """The broken variant: what isn't cut off by the file's end and isn't all zeros counts as damage, and the run is lost."""
    whole, begins = two_records(store, 0, 2000)
    torn = losing(whole, sectors(begins, len(whole))[1:2])
    rest = torn[begins:]
    assert rest.strip(b"\0")
    assert tearing.is_torn(rest, begins, record.HEADER_SIZE, len(whole) - begins)


def test_a_flipped_byte_of_the_last_record_is_damage_with_room_behind_it_too(store: Store) -> None:
    """A crash never leaves other bytes than those that were written, or zeros: what was acknowledged isn't cut off in silence."""
    whole, begins = two_records(store, 300, 700)
    for place in range(len(whole)):
        file_of(store).write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :] + ROOM)
        with pytest.raises(Corrupt):
            steps(store)
    damaged = file_of(store).read_bytes()
    with pytest.raises(Corrupt):
        take(store, RUN, owner="a test")
    assert file_of(store).read_bytes() == damaged
    assert begins < len(whole)


def test_a_lost_sector_before_the_last_record_is_damage(store: Store) -> None:
    """What another record follows was acknowledged: its loss is said, not passed over together with all that follows."""
    whole, begins = two_records(store, 2000, 300)
    for lost in sectors(0, begins):
        file_of(store).write_bytes(losing(whole, [lost]))
        with pytest.raises(Corrupt):
            steps(store)


def test_a_lost_sector_of_a_journal_that_was_closed_is_damage(store: Store) -> None:
    """An owner that ends in order takes the room back: what it leaves was all acknowledged."""
    whole, begins = two_records(store, 300, 2000)
    assert not whole.endswith(bytes(tearing.ROOM))
    for lost in sectors(begins, len(whole) - 4):
        file_of(store).write_bytes(losing(whole, [lost])[: len(whole)])
        with pytest.raises(Corrupt):
            steps(store)


def test_an_owner_that_cannot_read_a_journal_leaves_every_byte_of_it(store: Store) -> None:
    """Damage in the middle is said, and what lies behind it isn't taken for room: a backup's other half may be there."""
    whole, begins = two_records(store, 300, 700)
    damaged = bytes([whole[0] ^ 1]) + whole[1:] + ROOM
    file_of(store).write_bytes(damaged)
    with pytest.raises(Corrupt):
        take(store, RUN, owner="a test")
    assert file_of(store).read_bytes() == damaged
    file_of(store).write_bytes(whole[: begins + 20] + b"!" + whole[begins + 21 :])
    with pytest.raises(Corrupt):
        take(store, RUN, owner="a test")
    assert len(file_of(store).read_bytes()) == len(whole)


def test_a_journal_grows_in_leaps_and_leaves_nothing_behind(store: Store) -> None:
    """While its owner lives the file has room ahead, so most commits change no size; closed, it ends with its last record."""
    log, sizes = take(store, RUN, owner="a test"), []
    for number in range(300):
        log.append([finished(str(number), 500)])
        sizes.append(file_of(store).stat().st_size)
        assert sizes[-1] >= log._end + tearing.ROOM
    assert len(set(sizes)) < 15
    end = log._end
    log.close()
    assert file_of(store).stat().st_size == end
    assert steps(store) == [str(number) for number in range(300)]


WRITE = """
import sys
from darner.runtime.events import StepFinished
from darner.runtime.journal.local_log import take
from darner.runtime.journal.store import open_store
log = take(open_store(sys.argv[1]), sys.argv[2], owner="x")
number = 0
while True:
    log.append([StepFinished(at=1.0, step=str(number), value="v" * (number * 37 % 9000))])
    number += 1
    print(number, flush=True)
"""


@pytest.mark.soak
def test_a_reader_beside_a_busy_owner_sees_all_that_was_acknowledged_and_no_damage(store: Store, tmp_path: Path) -> None:
    """It may look at any moment, in the middle of a write too; killed, the owner leaves what it had acknowledged."""
    acknowledged = 0
    owner = subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), RUN], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        for _ in range(60):
            acknowledged = int(owner.stdout.readline())
            seen = steps(store)
            assert seen == [str(number) for number in range(len(seen))]
            assert len(seen) >= acknowledged
    finally:
        owner.send_signal(signal.SIGKILL)
        told, _ = owner.communicate(timeout=60)
    last = int(told.splitlines()[-1]) if told else acknowledged
    assert last
    assert len(steps(store)) >= last
    log = local_log.take(store, RUN, owner="me")
    log.append([finished("after")])
    log.close()
    assert steps(store)[-1] == "after"
