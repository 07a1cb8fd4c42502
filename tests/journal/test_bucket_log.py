"""The bucket form of a journal: fences, lost answers, damage; and broken variants of it, each of which is caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from darner.runtime.events import Event, StepFinished, StepSkipped
from darner.runtime.failures import Busy, Corrupt, Fenced, StoreError
from darner.runtime.journal import blobs, lease, paths, record
from darner.runtime.journal.bucket_log import BucketLog, Tuning, take
from darner.runtime.journal.lease import Heart, Heartbeat
from darner.runtime.journal.log import holder, read_events
from darner.runtime.journal.segments import highest_boundary, read_history
from darner.runtime.ports import Store

from .stores import Bucket, Faulty, Noting

RUN = "hello-1"


def done(step: str) -> StepSkipped:
    return StepSkipped(at=1.0, step=step, reason="")


def steps(store: Store) -> list[str]:
    return [event.step for event in read_events(store, RUN) if isinstance(event, StepSkipped)]


def taken(store: Store, owner: str = "me", *, pack_size: int = 256) -> BucketLog:
    return take(store, RUN, Heart(store, owner), take_over=True, tuning=Tuning(pack_size, pauses=(0.0,) * 6))


@pytest.fixture
def store() -> Store:
    return Bucket()


def test_an_owner_that_was_taken_over_is_fenced_for_good_and_nothing_of_it_is_written(store: Store) -> None:
    """Guards against langgraph#8796, where two writers of one thread both succeed."""
    first = taken(store, "the first")
    first.append([done("a")])
    second = taken(store, "the second")
    for _ in range(2):
        with pytest.raises(Fenced, match="the second has taken the run hello-1 over") as caught:
            first.append([done("zombie")])
        assert "darner show" in str(caught.value.help)
    second.append([done("b")])
    first.close()
    second.append([done("c")])
    second.close()
    assert steps(store) == ["a", "b", "c"]


def test_a_fence_stands_at_the_very_name_that_the_old_owner_writes_next(store: Store) -> None:
    """The epoch is inside the object, not in its name: otherwise nothing would ever collide."""
    first = taken(store)
    first.append([done("a")])
    taken(store)
    found = record.single(store.get(paths.segment(RUN, 2)), "")
    assert (found.seq, found.epoch, record.mark(found, "fence")) == (2, 2, "me")


class EpochInName(Bucket):
    """A broken variant: each epoch has names of its own."""

    def create(self, name: str, content: bytes) -> bool:
        """Write beside what other epochs wrote."""
        if name.endswith(".arrow"):
            return super().create(f"{name}.epoch-{record.single(content, '').epoch:03d}", content)
        return super().create(name, content)

    def get(self, name: str) -> bytes:
        """Return what the newest epoch wrote."""
        there = [one for one in super().names(name.rpartition("/")[0]) if one.startswith(f"{name}.epoch")]
        return super().get(there[-1] if there else name)

    def names(self, prefix: str) -> list[str]:
        """Leave the epochs out."""
        return sorted({name.partition(".epoch")[0] for name in super().names(prefix)})


def loses_what_it_acknowledged(store: Store, *, pack_size: int = 256, between: int = 0) -> bool:
    """Return whether an owner that was taken over is told that something is durable, and nobody finds it."""
    first = taken(store, "the first", pack_size=pack_size)
    first.append([done("a")])
    second = taken(store, "the second", pack_size=pack_size)
    for number in range(between):
        second.append([done(str(number))])
    second._packer.wait()
    try:
        first.append([done("zombie")])
    except Fenced:
        return False
    try:
        return "zombie" not in steps(store)
    except Corrupt:
        return True


def test_with_the_epoch_in_the_name_nothing_would_be_fenced(store: Store) -> None:
    """The broken variant is caught by the look that the right one passes."""
    assert not loses_what_it_acknowledged(store)
    assert loses_what_it_acknowledged(EpochInName())


class ForgetsFences(Bucket):
    """A broken variant: whatever is in a pack goes, the fences too."""

    def create(self, name: str, content: bytes) -> bool:
        """With the boundary, remove every segment before it."""
        made = super().create(name, content)
        if "/boundary/" in name:
            for seq in range(int(name.rpartition("/")[2])):
                super().delete(paths.segment(RUN, seq))
        return made


def test_a_fence_stays_when_what_is_around_it_is_packed(store: Store) -> None:
    """Otherwise the place would be free again for the owner that it shut out; the broken variant is caught."""
    assert not loses_what_it_acknowledged(store, pack_size=4, between=20)
    assert store.exists(paths.segment(RUN, 2))
    assert not store.exists(paths.segment(RUN, 3))
    assert loses_what_it_acknowledged(ForgetsFences(), pack_size=4, between=20)


class AcknowledgesFirst(BucketLog):
    """A broken variant: append returns before anything is written."""

    _late: Sequence[Event] = ()

    def append(self, events: Sequence[Event]) -> None:
        """Remember, and write with the next one."""
        late, self._late = self._late, list(events)
        if late:
            super().append(late)


class BlobAfterItsSegment(BucketLog):
    """A broken variant: the segment that names an object is durable before the object."""

    def append(self, events: Sequence[Event]) -> None:
        """Write the names first, the objects after."""
        small = [one.model_copy(update={"value": None, "blob": "0" * 64}) if isinstance(one, StepFinished) else one for one in events]
        super().append(small)
        for one in events:
            if isinstance(one, StepFinished):
                blobs.put(self._store, RUN, one.value)


def variant(kind: type[BucketLog], store: Store) -> BucketLog:
    right = taken(store)
    return kind(store, RUN, read_history(store, RUN), right._heart)


def test_append_returns_only_when_its_events_can_be_read(store: Store) -> None:
    """Another process finds each commit at once; a log that acknowledges first is caught by the same look."""

    def is_honest(log: BucketLog, where: Store) -> bool:
        log.append([done("a")])
        return steps(where) == ["a"]

    assert is_honest(taken(store), store)
    other = Bucket()
    assert not is_honest(variant(AcknowledgesFirst, other), other)


def test_a_payload_is_durable_before_the_segment_that_names_it() -> None:
    """Otherwise a crash between the two would leave a journal that names what isn't there; the broken variant is caught."""

    def is_blob_first(kind: type[BucketLog], noting: Noting) -> bool:
        log = variant(kind, noting)
        noting.created.clear()
        log.append([StepFinished(at=1.0, step="a", value="x" * (blobs.LIMIT + 1))])
        return ["blobs" in name for name in noting.created] == [True, False]

    assert is_blob_first(BucketLog, Noting())
    assert not is_blob_first(BlobAfterItsSegment, Noting())


@pytest.mark.parametrize("seed", range(100))
def test_lost_requests_lost_answers_and_late_requests_lose_and_double_nothing(seed: int) -> None:
    """Whatever the network does to each of two owners, what was acknowledged is there once and in order, and nothing forks."""
    store = faulty = Faulty(seed)
    acknowledged: list[str] = []
    unknown: set[str] = set()
    owners: list[BucketLog] = []
    for number in range(60):
        if not owners or faulty.chance.random() < 0.1:
            with suppress(StoreError):
                owners.append(taken(store, f"owner {number}", pack_size=8))
            continue
        step = str(number)
        try:
            faulty.chance.choice(owners[-2:]).append([done(step)])
        except Fenced:
            continue
        except StoreError:
            unknown.add(step)
        else:
            acknowledged.append(step)
    while faulty.late:
        faulty.late.pop(0)()
    for one in owners:
        one._packer.wait()
    found = steps(store)
    assert faulty.faults > 3, f"seed {seed}"
    assert [one for one in found if one not in unknown] == acknowledged, f"seed {seed}"
    assert len(found) == len(set(found)), f"seed {seed}"


def segments(store: Store) -> list[str]:
    return [name for name in store.names(paths.journal(RUN)) if name.endswith(".arrow")]


def written(store: Store, count: int, pack_size: int = 256) -> None:
    log = taken(store, pack_size=pack_size)
    for number in range(count):
        log.append([done(str(number))])
    log.close()


def test_a_flipped_byte_anywhere_in_a_segment_is_corruption_and_names_it(store: Store) -> None:
    """Every byte is guarded: none can change without being noticed. Guards against langgraph#6970, unknown bytes read as None."""
    written(store, 2)
    name = segments(store)[1]
    whole = store.get(name)
    for place in range(len(whole)):
        store.put(name, whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(Corrupt, match=r"000000000001\.arrow") as caught:
            steps(store)
        assert caught.value.help
    with pytest.raises(Corrupt):
        taken(store)


@pytest.mark.parametrize("size", [0, 50, 116, 200])
def test_a_truncated_segment_is_corruption_the_last_one_too(store: Store, size: int) -> None:
    """Objects in a bucket are whole or not there: unlike in a file, a torn end is never an interrupted write."""
    written(store, 2)
    for name in (segments(store)[1], segments(store)[-1]):
        whole = store.get(name)
        for damaged in (whole[:size], whole + b"x"):
            store.put(name, damaged)
            with pytest.raises(Corrupt, match="damaged"):
                steps(store)
            assert holder(store, RUN) is None, "listing runs must go on"
        store.put(name, whole)


def test_a_segment_that_is_gone_swapped_or_from_another_run_is_corruption(store: Store) -> None:
    """A hole is no end: nobody goes on from before it, which would make a second history."""
    written(store, 3)
    names = segments(store)
    kept = {name: store.get(name) for name in names}
    damages: list[Callable[[], None]] = [
        lambda: store.delete(names[0]),
        lambda: store.delete(names[2]),
        lambda: store.put(names[2], kept[names[1]]),
        lambda: store.put(names[3], kept[names[2]]),
    ]
    for damage in damages:
        damage()
        for use in (steps, taken):
            with pytest.raises(Corrupt):
                use(store)
        for name, content in kept.items():
            store.put(name, content)
    assert steps(store) == ["0", "1", "2"]


def test_packs_hold_everything_and_a_journal_goes_on_behind_them(store: Store) -> None:
    """Full packs replace their segments; the newest record always has a segment of its own."""
    written(store, 21, pack_size=4)
    written(store, 5, pack_size=4)
    assert steps(store) == [*map(str, range(21)), *map(str, range(5))]
    assert len(store.names(paths.packs(RUN))) == 7
    left = [int(name[-18:-6]) for name in segments(store)]
    assert left == [0, 23, 28, 29]
    assert holder(store, RUN) is None


def packs_only(store: Store) -> list[str]:
    """Read as a broken variant does: a cache of what was, without what came after."""
    history = read_history(store, RUN)
    return [event.step for one in history.records[: history.boundary] for event in record.decode(one, "") if isinstance(event, StepSkipped)]


def test_packs_without_what_came_after_them_would_be_an_old_state(store: Store) -> None:
    """The broken variant, a snapshot without its tail, gives another history than the one that was written."""
    written(store, 6, pack_size=4)
    assert steps(store) == list("012345")
    assert packs_only(store) == list("012")


@pytest.mark.parametrize("kind", ["gone", "cut off", "flipped", "boundary gone"])
def test_a_damaged_pack_is_corruption(store: Store, kind: str) -> None:
    """What was packed is guarded as what was not."""
    written(store, 9, pack_size=4)
    [name, *_] = store.names(paths.packs(RUN))
    whole = store.get(name)
    if kind == "gone":
        store.delete(name)
    elif kind == "cut off":
        store.put(name, whole[: len(whole) * 3 // 4])
    elif kind == "flipped":
        store.put(name, whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    else:
        store.delete(paths.boundaries(RUN))
    for use in (steps, taken):
        with pytest.raises(Corrupt):
            use(store)


class Died(Exception):
    """Stands for the end of a process."""


class Mortal(Bucket):
    """A bucket whose user dies at its n-th change, before or after it happens."""

    def __init__(self, left: int, *, before: bool) -> None:
        super().__init__()
        self.left = left
        self.before = before

    def _change(self, change: Callable[[], bool | None]) -> bool:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and self.before):
            raise Died
        made = change()
        if self.left == 0:
            raise Died
        return bool(made)

    def create(self, name: str, content: bytes) -> bool:
        """Write, or die."""
        return self._change(lambda: Bucket.create(self, name, content))

    def delete(self, name: str) -> None:
        """Remove, or die."""
        self._change(lambda: Bucket.delete(self, name))


@pytest.mark.parametrize("before", [False, True])
def test_killed_at_any_change_while_packing_nothing_is_lost(*, before: bool) -> None:
    """Pack, boundary, removals: after each of them, or just before it, the next owner finds everything and cleans up."""
    for left in range(1, 40):
        store = Mortal(left, before=before)
        acknowledged: list[str] = []
        with suppress(Died):
            log = taken(store, pack_size=4)
            for number in range(11):
                log.append([done(str(number))])
                acknowledged.append(str(number))
                if log._packer._under_way is not None and (error := log._packer._under_way.exception()) is not None:
                    raise error
        plain = Bucket()
        plain.objects = store.objects
        found = steps(plain)
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1
        written(plain, 6, pack_size=4)
        assert steps(plain) == [*found, *map(str, range(6))]
        boundary = highest_boundary(plain, RUN)
        fences = [name for name in segments(plain) if record.mark(record.single(plain.get(name), ""), "fence") is not None]
        assert [name for name in segments(plain) if int(name[-18:-6]) < boundary and name not in fences] == []


class SlowTaker(Bucket):
    """A bucket whose user is overtaken between looking where the journal ends and fencing there."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self.meanwhile: Iterator[Callable[[], None]] = iter([meanwhile])

    def create(self, name: str, content: bytes) -> bool:
        """Let others write first, once."""
        for one in self.meanwhile:
            one()
        return super().create(name, content)


def test_whoever_fences_a_place_that_was_packed_meanwhile_looks_again() -> None:
    """The place was written, packed and freed while it looked away: its fence there counts for nothing."""
    plain = Bucket()
    owner = taken(plain, pack_size=4)

    def go_on() -> None:
        for number in range(30):
            owner.append([done(str(number))])
            owner._packer.wait()

    slow = SlowTaker(go_on)
    slow.objects = plain.objects
    log = taken(slow, pack_size=4)
    assert plain.exists(paths.segment(RUN, 1)), "its first fence, which somebody sweeps later"
    log.append([done("late")])
    with pytest.raises(Fenced):
        owner.append([done("zombie")])
    log.close()
    assert steps(plain) == [*map(str, range(30)), "late"]


def beating(store: Store, **told: object) -> str:
    """Leave a run behind whose owner's last heartbeat says this, and return the owner's name."""
    log = taken(store, "process 7 on far")
    log.append([done("a")])
    name = paths.process(log._heart.name)
    said = Heartbeat.model_validate_json(store.get(name)).model_copy(update=told)
    log._heart._end.set()
    store.put(name, said.model_dump_json().encode())
    return said.owner


def test_a_run_of_another_machine_is_held_as_long_as_its_heartbeat_is_fresh(store: Store) -> None:
    """A takeover is refused, names the owner and the option, and with that option happens."""
    owner = beating(store, place="far away")
    assert holder(store, RUN) == owner
    with pytest.raises(Busy, match="held by process 7 on far") as caught:
        take(store, RUN, Heart(store, "me"))
    assert "--take-over" in str(caught.value.help)
    take(store, RUN, Heart(store, "me"), take_over=True).close()


@pytest.mark.parametrize("told", [{"place": "far away", "until": 1.0}, {"pid": 2**22 - 3}, {"born": 1.0}])
def test_a_run_whose_owner_is_silent_or_dead_is_free(store: Store, told: dict[str, object]) -> None:
    """A heartbeat that is over, a process of this machine that is gone, or another one under its number."""
    beating(store, **told)
    assert holder(store, RUN) is None
    log = take(store, RUN, Heart(store, "me"))
    assert log.epoch == 2
    log.close()


def test_a_heartbeat_outlives_the_write_that_is_about_to_begin(store: Store) -> None:
    """Before a write its owner makes sure that nobody takes the run by mistake for as long as it may take."""
    log = taken(store)
    name = paths.process(log._heart.name)
    first = Heartbeat.model_validate_json(store.get(name)).until
    log.hold(1.0)
    assert Heartbeat.model_validate_json(store.get(name)).until == first
    log.hold(600.0)
    assert Heartbeat.model_validate_json(store.get(name)).until > first + 500
    log.close()
    assert not store.exists(name)


def test_one_heartbeat_speaks_for_all_runs_of_a_process(store: Store) -> None:
    """It is there as long as one of them is held, and a run that was given up is free at once all the same."""
    heart = Heart(store, "me")
    first, second = (take(store, run, heart) for run in ("one", "two"))
    assert len(store.names(paths.OWNERS)) == 1
    first.close()
    assert holder(store, "one") is None
    assert holder(store, "two") == "me"
    second.close()
    assert store.names(paths.OWNERS) == []
    assert lease.LASTS > 2 * lease.EVERY


def test_a_store_that_fails_stops_the_run_and_loses_nothing() -> None:
    """After a write of unknown fate nothing more is written; the next owner finds it once, or not at all."""
    store = Faulty(1, share=0.0)
    store.kinds = ("lost request",)
    log = taken(store)
    log.append([done("a")])
    store.share = 1.0
    with pytest.raises(StoreError, match="lost request"):
        log.append([done("b")])
    store.share = 0.0
    with pytest.raises(StoreError, match="nothing more is written"):
        log.append([done("c")])
    log.close()
    assert steps(store) == ["a"]
