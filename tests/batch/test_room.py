"""The memory of a machine, as runs in several processes promise it: no more than there is, first come, first served."""

from __future__ import annotations

import asyncio
import fcntl
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from darner.runtime.perform.limits.folder import SETTING
from darner.runtime.perform.processes.promises import Claim, claimed
from darner.runtime.perform.processes.room import Room

from .jobs import Project, products

HOLDER = """\
import sys
from darner.runtime.perform.processes.promises import claimed
claim = claimed(int(sys.argv[1]))
assert claim.granted(1 << 60)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test's processes be alone on their machine."""
    monkeypatch.setenv(SETTING, str(tmp_path / "machine"))


def _claim(memory: int) -> Claim:
    claim = claimed(memory)
    assert claim is not None
    return claim


def _holder(memory: int) -> subprocess.Popen[str]:
    """Return another process that holds so much, until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(memory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_runs_share_the_memory_of_a_machine_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """A small claim doesn't overtake a large one for ever; one that is given up leaves no hole, and nothing is left behind."""
    first, large, small = _claim(6), _claim(9), _claim(2)
    assert first.granted(10)
    assert not large.granted(10)
    assert not small.granted(10), "the large one was there before"
    first.close()
    assert not small.granted(10)
    assert large.granted(10)
    assert large.is_wanted(0)
    assert not large.is_wanted(60)
    assert not small.granted(10)
    large.close()
    assert small.granted(10)
    assert not small.is_wanted(0)
    small.close()
    assert [path.name for path in (tmp_path / "machine" / "memory").iterdir()] == ["guard"]


def test_what_a_killed_process_had_promised_is_free_at_once() -> None:
    """With kill -9: the system's lock goes with its process; so does its place in the queue."""
    with _holder(6) as other:
        mine = _claim(6)
        assert not mine.granted(10)
        other.kill()
        other.wait()
        assert mine.granted(10)
    mine.close()


def test_a_claim_that_is_just_being_made_is_not_taken_for_that_of_a_dead_process(tmp_path: Path) -> None:
    """Its file isn't locked yet: whoever asks whether others wait must not remove it, or its memory would be promised twice."""
    mine = _claim(6)
    assert mine.granted(10)
    place = tmp_path / "machine" / "memory"
    half_made = place / "another.claim"
    with (place / "guard").open("rb") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # another process, which is at it
        half_made.touch()
        assert not mine.is_wanted(0)
        assert half_made.exists()
    assert not mine.is_wanted(0)
    assert not half_made.exists(), "now its process is gone"
    mine.close()


def test_one_that_waits_and_stands_still_is_passed_over() -> None:
    """A process that is stopped (SIGSTOP) doesn't look any more: it keeps nobody from what is there."""
    first, frozen, later = _claim(6), _claim(9), _claim(2)
    assert first.granted(10)
    assert not frozen.granted(10)
    assert not later.granted(10)
    time.sleep(5.5)
    assert later.granted(10)
    for one in (first, frozen, later):
        one.close()


def test_two_runs_together_promise_no_more_than_there_is() -> None:
    """Each in a room of its own, as flows have them: never are more than ten bytes promised, and all have their turn."""
    held, most = [0], [0]

    async def use(room: Room, memory: int) -> None:
        async with room.taken(memory):
            held[0] += memory
            most[0] = max(most[0], held[0])
            await asyncio.sleep(0.01)
            held[0] -= memory

    async def all_of_them() -> None:
        rooms = [Room(most=10, shared=True) for _ in range(3)]
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for number in range(9):
                group.create_task(use(rooms[number % 3], 6 if number % 2 else 4))

    asyncio.run(all_of_them())
    assert 6 <= most[0] <= 10


def test_a_job_waits_for_memory_that_another_run_has_promised_and_its_shards_time_does_not_begin(tmp_path: Path) -> None:
    """Nothing is started meanwhile, no attempt is used up, and it says why; the other run is killed, and the job goes on."""
    project = Project.make(tmp_path / "shop", products(20))
    with _holder(Room().most - (512 << 20)) as other:
        driver = project.start()
        while not project.objects("000001/work.json"):
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.05)
        deadline = time.monotonic() + 120
        while not project.objects("*/started/01/*.json") and not list((tmp_path / "machine" / "memory").glob("*.claim"))[1:]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while not project.objects("000001/waiting.json"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(2.5)  # the driver looks every two seconds
        assert not project.objects("*/started/01/*.json"), "the second group is promised 1Gi"
        other.kill()
    out, err = driver.communicate(timeout=280)
    assert json.loads(out)["status"] == "done", err
    assert err.count("a worker waits for 1Gi of memory") == 1, err
    (marker,) = project.objects("*/markers/01/*.json")
    assert json.loads(marker.read_text())["attempt"] == 1
