"""Every form of the journal keeps the same promises: in a folder, and in buckets."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from darner.runtime.events import CallFinished, Event, RunFinished, StepFinished, StepSkipped
from darner.runtime.failures import Busy, Corrupt, Refused
from darner.runtime.journal import binding, blobs, paths
from darner.runtime.journal.log import holder, open_log, read_events
from darner.runtime.journal.removal import remove_run
from darner.runtime.ports import Json, Store

from .places import Place

RUN = "hello-1"


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


def finished(step: str, value: Json = None) -> StepFinished:
    return StepFinished(at=1.0, step=step, value=value)


def write(store: Store, *commits: Sequence[Event]) -> None:
    log = open_log(store, RUN, owner="a test")
    for events in commits:
        log.append(events)
    log.close()


def test_what_was_appended_is_read_back_by_the_next_owner_in_order(store: Store) -> None:
    """Two owners after one another add to one history; the epoch counts them."""
    written: list[Event] = [finished("a"), StepSkipped(at=2.0, step="b", reason="no"), finished("c", {"x": [1, 2.5, None, "ü"]})]
    write(store, written[:2], written[2:])
    log = open_log(store, RUN, owner="the next")
    assert log.epoch == 2
    log.append([finished("d")])
    found = list(log.read())
    assert list(log.read()) == found
    log.close()
    assert found == [*written, finished("d")]
    assert list(read_events(store, RUN)) == found


ODD: list[Json] = [math.inf, -math.inf, "\ud800 lone", 2**80, 1e-320, "", {"": []}, {"a": {"b": [True, False, None]}}]


def test_every_json_value_comes_back_as_it_was(store: Store) -> None:
    """What is served after a crash is what was seen live, odd values included."""
    write(store, [finished("a", value) for value in ODD], [finished("n", [math.nan])])
    *found, last = [event.value for event in read_events(store, RUN) if isinstance(event, StepFinished)]
    assert found == ODD
    assert [type(value) for value in found] == [type(value) for value in ODD]
    assert math.isnan(last[0])


def test_a_run_that_was_never_taken_up_has_no_events_and_no_holder(store: Store) -> None:
    """Reading makes nothing."""
    assert list(read_events(store, RUN)) == []
    assert holder(store, RUN) is None
    assert store.names("runs") == []


def test_a_large_payload_is_kept_once_and_read_back(store: Store) -> None:
    """Over 16 KiB a value stands in an object of its own, by its digest; the same value twice is kept once."""
    value = {"text": "x" * (blobs.LIMIT + 1)}
    call = CallFinished(at=1.0, call="c", parent="a", what="tool", name="t", value=value)
    write(store, [call, finished("a", value)], [RunFinished(at=2.0, status="done", outputs=value)])
    log = open_log(store, RUN, owner="the next")
    first, second, last = log.read()
    assert isinstance(first, CallFinished)
    assert isinstance(second, StepFinished)
    assert isinstance(last, RunFinished)
    assert first.value is second.value is last.outputs is None
    assert first.blob is not None
    assert first.blob == second.blob == last.blob
    assert log.load(first.blob) == value
    log.close()
    assert len(store.names(paths.run(RUN) + "/blobs")) == 1


def test_a_damaged_or_missing_payload_is_corruption(store: Store) -> None:
    """An object is verified against its name when it is read."""
    digest = blobs.put(store, RUN, {"a": 1})
    store.put(paths.blob(RUN, digest), b'{"a": 2}')
    with pytest.raises(Corrupt, match="damaged"):
        blobs.get(store, RUN, digest)
    store.delete(paths.blob(RUN, digest))
    with pytest.raises(Corrupt, match="gone"):
        blobs.get(store, RUN, digest)


def test_a_second_owner_is_refused_and_told_who_holds_the_run(store: Store) -> None:
    """One owner at a time, in this process or any other; afterwards the run is free."""
    log = open_log(store, RUN, owner="process 7 on host")
    log.append([finished("a")])
    with pytest.raises(Busy, match="held by process 7 on host"):
        open_log(store, RUN, owner="another")
    assert holder(store, RUN) == "process 7 on host"
    log.append([finished("b")])
    log.close()
    log.close()
    assert holder(store, RUN) is None
    assert store.names(paths.OWNERS) == []
    open_log(store, RUN, owner="another").close()


def test_runs_of_one_store_have_nothing_to_do_with_each_other(store: Store) -> None:
    """Two runs are held at once, and each has its own events."""
    logs = {name: open_log(store, name, owner="me") for name in ("one", "two")}
    for name, log in logs.items():
        log.append([finished(name)])
    for name, log in logs.items():
        log.close()
        assert list(read_events(store, name)) == [finished(name)]


def test_a_deleted_run_is_gone_and_its_id_is_never_used_again(store: Store) -> None:
    """Deleting leaves a tombstone; a run that is held, or that never was, is not deleted."""
    with pytest.raises(Refused, match="there is no run"):
        remove_run(store, RUN, owner="me")
    log = open_log(store, RUN, owner="a test")
    store.put(paths.run_inputs(RUN), b"{}")
    log.append([finished("a", "x" * (blobs.LIMIT + 1))])
    with pytest.raises(Busy):
        remove_run(store, RUN, owner="me")
    log.close()
    remove_run(store, RUN, owner="me")
    assert store.names(paths.run(RUN)) == []
    for start in (lambda: open_log(store, RUN, owner="me"), lambda: binding.load(store, RUN)):
        with pytest.raises(Refused, match="was deleted"):
            start()
    store.put(paths.run_inputs(RUN), b"what a deletion that was killed left behind")
    remove_run(store, RUN, owner="me")
    assert store.names(paths.run(RUN)) == []


HOLD = """
import sys
from darner.runtime.journal.log import open_log
from darner.runtime.events import StepSkipped
from tests.journal.places import Place
log = open_log(Place(*sys.argv[1:4]).open(), sys.argv[4], owner="the other process")
n = 0
while True:
    log.append([StepSkipped(at=0.0, step=str(n), reason="")])
    print(n, flush=True)
    n += 1
"""


@pytest.fixture
def other_process(place: Place) -> Iterator[subprocess.Popen[str]]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", HOLD, *place.words, RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        yield process
        process.kill()


def test_after_sigkill_the_run_is_free_and_everything_acknowledged_is_there(store: Store, other_process: subprocess.Popen[str]) -> None:
    """Nobody waits for a dead process of this machine; every append that returned is found by the next owner."""
    assert other_process.stdout is not None
    assert other_process.stdout.readline() == "0\n"
    with pytest.raises(Busy, match="the other process"):
        open_log(store, RUN, owner="me")
    time.sleep(0.3)
    other_process.kill()
    acknowledged = 1 + max(int(line) for line in [*other_process.stdout.read().split(), "0"])
    other_process.wait()
    log = open_log(store, RUN, owner="me")
    assert log.epoch == 2
    found = [event.step for event in log.read() if isinstance(event, StepSkipped)]
    log.close()
    assert len(found) >= acknowledged
    assert found == [str(number) for number in range(len(found))]
