"""What `darner gc` lets go of, and what it must not: whoever takes a run up while it is deleted is refused."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.events import RunFinished, RunStarted, TakenUp
from darner.runtime.failures import Refused
from darner.runtime.journal import binding, garbage, paths, standing
from darner.runtime.journal.garbage import OldRun
from darner.runtime.journal.lease import Heart, Heartbeat
from darner.runtime.journal.log import open_log
from darner.runtime.journal.removal import remove_run
from darner.runtime.ports import Store

from .places import Place

RUN = "r1"
DAY = 86400.0
NOW = 1000 * DAY


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return a store in each form of the journal."""
    return Place(request.param, str(tmp_path / "store")).open()


def ended(store: Store, run_id: str, days: float, *, plan: str = "plan: x\nformat: 1\nnodes: {}\n") -> OldRun:
    """Make a run that ended so many days ago."""
    with closing(open_log(store, run_id, owner="a test")) as log:
        at = NOW - days * DAY
        log.append([RunStarted(at=at, run=run_id, plan="p"), TakenUp(at=at, epoch=1, owner="a test")])
        log.append([RunFinished(at=at, status="failed", error="no luck")])
    store.put(paths.run_plan(run_id), plan.encode())
    store.put(paths.run_inputs(run_id), b"{}")
    return OldRun(run_id, "failed", at, 0.0)


class Meanwhile:
    """A store in which something happens right after somebody saw that there is no tombstone."""

    def __init__(self, store: Store, happens: Any) -> None:
        self._store = store
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def exists(self, name: str) -> bool:
        """Answer, then let it happen, once."""
        answer = self._store.exists(name)
        if name.startswith(paths.TOMBSTONES) and self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return answer


def test_whoever_takes_a_run_up_while_it_is_deleted_is_refused_and_writes_nothing(store: Store) -> None:
    """The deletion comes between the look for a tombstone and the taking: without a second look a run would go on in a deleted folder."""
    ended(store, RUN, 1)
    racing: Any = Meanwhile(store, lambda: remove_run(store, RUN, owner="gc"))
    with pytest.raises(Refused, match="was deleted"):
        open_log(racing, RUN, owner="me")
    for name in garbage.half_deleted(store):
        store.delete(name)
    assert store.names(paths.run(RUN)) == []


def test_a_run_that_was_taken_up_since_it_was_looked_at_stays(store: Store) -> None:
    """It had ended, and was opened again with --redo; what was known of it before doesn't count."""
    old = ended(store, RUN, 100)
    with closing(open_log(store, RUN, owner="me")) as log:
        log.append([TakenUp(at=NOW, epoch=2, owner="me")])
    assert not garbage.remove(store, old, "gc", NOW)
    assert not store.exists(paths.tombstone(RUN))
    open_log(store, RUN, owner="me").close()


def test_a_deletion_that_is_overtaken_by_force_takes_its_tombstone_back(tmp_path: Path) -> None:
    """In a bucket somebody may take the run over between the taking and the tombstone: then it is theirs, and stays."""
    store = Place("bucket", str(tmp_path / "store")).open()
    ended(store, RUN, 100)
    theirs: list[Any] = []

    def overtaken(_: object) -> bool:
        theirs.append(open_log(store, RUN, owner="them", take_over=True))
        return True

    assert not remove_run(store, RUN, owner="gc", now=NOW, may_go=overtaken)
    theirs[0].append([TakenUp(at=NOW, epoch=3, owner="them")])
    theirs[0].close()
    assert not store.exists(paths.tombstone(RUN))


def test_a_run_is_kept_as_long_as_its_policy_says_and_never_longer_than_asked_for(store: Store) -> None:
    """Retention, --older-than, or 30 days where neither is said; of both the shorter one."""
    week = "plan: x\nformat: 1\npolicy: {retention: 7d}\nnodes: {}\n"
    year = week.replace("7d", "365d")
    for days in (5, 10, 40):
        ended(store, f"plain{days}", days)
        ended(store, f"week{days}", days, plan=week)
        ended(store, f"year{days}", days, plan=year)

    def gone(older_than: float | None) -> set[str]:
        return {one.run for one in garbage.old_runs(store, NOW, older_than)}

    assert gone(None) == {"plain40", "week10", "week40"}
    assert gone(8 * DAY) == {"plain10", "plain40", "week10", "week40", "year10", "year40"}
    assert gone(60 * DAY) == {"week10", "week40"}


def test_a_fork_that_was_killed_half_way_goes_once_it_is_old(store: Store) -> None:
    """Its journal is begun and it was never bound; one that is being made is held, and stays."""
    log = open_log(store, "fork", owner="a fork")
    log.append([RunStarted(at=NOW - 40 * DAY, run="fork", plan="p", forked="r1 at x")])
    assert list(garbage.old_runs(store, NOW, None)) == []
    log.close()
    assert list(garbage.old_runs(store, NOW, 50 * DAY)) == []
    with pytest.raises(Refused, match="the fork fork of r1 at x was never finished"):
        binding.load(store, "fork")
    [old] = garbage.old_runs(store, NOW, None)
    assert (old.run, old.status) == ("fork", garbage.FORK)
    assert garbage.remove(store, old, "gc", NOW)
    assert store.names(paths.run("fork")) == []


def test_what_killed_processes_leave_is_found_and_what_living_ones_need_is_not(tmp_path: Path) -> None:
    """Half-written files, heartbeats, hints of deleted runs, and half-deleted folders."""
    store = Place("folder", str(tmp_path / "store")).open()
    now = time.time()
    heart = Heart(store, "me")
    heart.enter()
    dead = Heartbeat(owner="x", until=now - 2 * DAY, pid=1, born=0.0, place="elsewhere")
    store.put(paths.process("dead"), dead.model_dump_json().encode())
    store.put(paths.process("late"), dead.model_copy(update={"until": now - 60}).model_dump_json().encode())
    assert list(garbage.dead_heartbeats(store, now)) == [paths.process("dead")]
    heart.leave()
    folder = tmp_path / "store" / "runs" / "r"
    folder.mkdir(parents=True)
    for name, age in ((".old.tmp", 2 * DAY), (".new.tmp", 0.0)):
        (folder / name).touch()
        os.utime(folder / name, (now - age, now - age))
    (tmp_path / "store" / "runs" / ".x.gone").mkdir()
    found = garbage.half_written(store, now)
    assert sorted(one.name for one in found) == [".old.tmp", ".x.gone"]
    garbage.remove_half_written(found)
    assert garbage.half_written(store, now) == []
    store.put(paths.due(now, "deleted"), b"")
    store.put(paths.due(now, "there"), b"")
    store.put(paths.tombstone("deleted"), b"{}")
    assert list(garbage.stray_hints(store)) == [paths.due(now, "deleted")]


def test_what_is_remembered_of_runs_is_never_more_than_a_saving(store: Store) -> None:
    """Whatever becomes of it, what is shown is what the journals say; and a run that went on is read again."""
    ended(store, "a", 3)
    ended(store, "b", 2)
    first = standing.look(store)
    assert [(one.run, one.status) for one in first] == [("a", "failed"), ("b", "failed")]
    assert set(standing.remembered(store)) == {"a", "b"}
    with closing(open_log(store, "a", owner="me")) as log:
        log.append([TakenUp(at=NOW, epoch=2, owner="me")])
        assert [(one.run, one.status, one.holder) for one in standing.look(store)] == [("a", "running", "me"), ("b", "failed", None)]
    assert [one.status for one in standing.look(store)] == ["interrupted", "failed"]
    before = standing.look(store)
    for content in (b"", b"{", b'{"format": 9}', b'{"format": 1, "runs": {"a": {}}}'):
        store.put(paths.STANDINGS, content)
        assert standing.look(store) == before
    store.delete(paths.STANDINGS)
    remove_run(store, "b", owner="gc")
    assert [one.run for one in standing.look(store)] == ["a"]


def test_a_second_look_reads_no_journal_that_has_not_grown(store: Store) -> None:
    """The records of runs that are over could be anything by then: what is remembered is believed as long as nothing is added."""
    for number in range(3):
        ended(store, f"r{number}", number)
    first = standing.look(store)
    asked: list[str] = []

    class Noting(Meanwhile):
        def get(self, name: str) -> bytes:
            content = store.get(name)
            asked.append(name)
            return content

    second: Any = Noting(store, None)
    assert standing.look(second) == first
    assert asked == [paths.STANDINGS]
