"""Processes that share one model's limits, killed and stopped at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.settings import ModelRate
from darner.runtime import limiter
from darner.runtime.limiter import Limits
from darner.runtime.perform.limits import folder as folders
from darner.runtime.perform.limits.alone import alone
from darner.runtime.perform.limits.folder import Unshared
from darner.runtime.perform.limits.pace import Pace
from darner.runtime.perform.limits.shared import SharedFile

from .users import KEY

HERE = Path(__file__).parent


def start(folder: Path, **told: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.limits.users", str(folder), json.dumps({"run": "run", "calls": 1, **told})]
    return subprocess.Popen(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def turns(process: subprocess.Popen[str]) -> list[tuple[str, float]]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return [(run, float(began)) for run, began in (line.split() for line in out.splitlines())]


@contextmanager
def limits_in(path: Path) -> Iterator[None]:
    """Let this process share in a folder; by the environment, as a user would."""
    before = os.environ.get(folders.SETTING)
    os.environ[folders.SETTING] = str(path)
    try:
        yield
    finally:
        os.environ.pop(folders.SETTING) if before is None else os.environ.__setitem__(folders.SETTING, before)


def test_three_processes_keep_to_one_rate_and_each_run_has_its_share(tmp_path: Path) -> None:
    """Twelve runs in three processes, one with ten times the calls: together they use the rate, and none more than its part."""
    rate = {"requests": "3000/min"}
    processes = [start(tmp_path, rate=rate, run=f"p{number}", runs=4, calls=60 if number == 0 else 10) for number in range(3)]
    had = sorted((began, run) for one in processes for run, began in turns(one))
    assert len(had) == 4 * 60 + 8 * 10
    begin, end = had[0][0], had[-1][0]
    assert (len(had) - 30) / (end - begin) <= 50 * 1.02, "what may be used at once is 1 % of a minute's"
    assert len(had) / (end - begin) >= 0.8 * 50, "a slow machine wakes late, and makes up for it"
    small = Counter(run for _, run in had[:160] if not run.startswith("p0"))
    assert min(small.values()) >= 6, f"those with few calls are done early: {small}"


def test_places_of_a_killed_process_are_free_at_once(tmp_path: Path) -> None:
    """Two places, both held for a minute by a process that is killed: the next ones have them."""
    holder = start(tmp_path, rate={"concurrency": 2}, run="holder", calls=2, holds=60.0)
    assert holder.stdout is not None
    assert [holder.stdout.readline().split()[0] for _ in range(2)] == ["holder-0", "holder-0"]
    waiting = start(tmp_path, rate={"concurrency": 2}, run="waiting", calls=2)
    assert waiting.stdout is not None
    time.sleep(1.0)
    assert waiting.poll() is None
    killed = time.monotonic()
    holder.kill()
    holder.wait()
    assert len(turns(waiting)) == 2
    assert time.monotonic() - killed < 20


def test_no_more_are_under_way_than_there_are_places(tmp_path: Path) -> None:
    """Nine calls of three processes, three places, each held for 0.2 s: three rounds."""
    processes = [start(tmp_path, rate={"concurrency": 3}, run=f"p{number}", calls=3, holds=0.2) for number in range(3)]
    began = sorted(at for one in processes for _, at in turns(one))
    assert all(later - earlier >= 0.19 for earlier, later in zip(began, began[3:], strict=False))


@pytest.mark.soak
def test_processes_killed_at_any_moment_leave_limits_that_are_whole(tmp_path: Path) -> None:
    """Processes are killed while they change the limits as fast as they can: what others find is whole, and nothing starts anew."""
    chance = random.Random(4)
    rate = ModelRate.model_validate({"requests": "60000000/min"})
    file = SharedFile(tmp_path / KEY)
    before = 0
    for _ in range(2):
        processes = [start(tmp_path, rate={"requests": "60000000/min"}, calls=100_000) for _ in range(3)]
        for one in processes:
            assert one.stdout is not None
            one.stdout.readline()
        time.sleep(chance.random() * 0.05)
        for one in processes:
            one.send_signal(signal.SIGKILL)
            one.communicate()
        now = file.change(lambda limits: (limits, limits.begun))
        assert now > before
        before = now
    file.change(lambda limits: limiter.take(limits, limits.seen, rate, "after"))


def _begun(number: int, _: Limits) -> tuple[Limits, None]:
    return Limits(begun=number), None


def test_a_change_that_is_torn_counts_for_nothing(tmp_path: Path) -> None:
    """Half a body, or a header without its body: what was there before is what is there. With nothing whole, it begins anew."""
    file = SharedFile(tmp_path / KEY)
    for number in range(1, 4):
        file.change(partial(_begun, number))
    content = bytearray((tmp_path / KEY).read_bytes())
    newest = content.index(b'"begun":3')
    content[newest + 8 : newest + 9] = b"9"
    (tmp_path / KEY).write_bytes(content)
    assert file.change(lambda limits: (limits, limits.begun)) == 2
    (tmp_path / KEY).write_bytes(bytes(len(content)))
    assert file.change(lambda limits: (limits, limits.begun)) == 0
    (tmp_path / KEY).write_bytes(os.urandom(len(content)))
    file.change(lambda limits: (limits, None))


def test_limits_survive_every_process_that_uses_them(tmp_path: Path) -> None:
    """The broken variant of the house: a limiter that a crash resets. Five processes, one after the other, each killed: all wait."""
    begun = []
    for number in range(5):
        one = start(tmp_path, rate={"requests": "60/min"}, run=f"p{number}", calls=5, holds=30.0)
        assert one.stdout is not None
        begun.append(float(one.stdout.readline().split()[1]))
        one.kill()
        one.communicate()
    # Each was killed with one time given to it beyond the one that it used.
    assert begun[-1] - begun[0] >= 4 * 1.0 - 0.1


def test_a_limiter_kept_in_each_process_would_be_noticed(tmp_path: Path) -> None:
    """The broken variant: with a folder for each process, all of them begin at once."""
    begun = []
    for number in range(3):
        one = start(tmp_path / str(number), rate={"requests": "6/min"}, run=f"p{number}", calls=2)
        assert one.stdout is not None
        begun.append(float(one.stdout.readline().split()[1]))
        one.kill()
        one.communicate()
    assert begun[-1] - begun[0] < 2 * 10.0 - 0.1


def test_what_a_frozen_process_holds_stops_nobody(tmp_path: Path) -> None:
    """A process stands still with the lock (a debugger, a machine that swaps): after five seconds the others keep to limits alone."""
    code = (
        "import fcntl, os, sys, time; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / KEY)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        user = start(tmp_path, rate={"requests": "60/min"})
        assert len(turns(user)) == 1
        holder.kill()


async def _turn(pace: Pace) -> float:
    begun = time.monotonic()
    async with pace.turn(asyncio.sleep):
        return time.monotonic() - begun


@pytest.mark.parametrize("trouble", ["a file", "open to others", "cannot be made"])
def test_where_processes_cannot_share_the_sessions_of_one_still_do_and_it_is_said(
    tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Limits hold within the process, and a warning says why not beyond it."""
    path = tmp_path / "limits"
    if trouble == "a file":
        path.write_text("")
    elif trouble == "open to others":
        path.mkdir()
        path.chmod(0o777)
    else:
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "limits"
    with limits_in(path):
        one, other = (Pace(trouble, ModelRate.model_validate({"requests": "120/min"}), name) for name in ("one", "other"))

        async def both() -> list[float]:
            return [await _turn(one), await _turn(other), await _turn(other)]

        waited = asyncio.run(both())
    assert sum(waited) >= 0.45
    assert f"{path}" in caplog.text
    assert "by each process alone" in caplog.text
    assert folders.SETTING in caplog.text


def test_a_full_disk_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Nothing can be written into the folder any more: this process goes on with what it remembers."""
    code = (
        "import asyncio, os, resource, signal, logging; logging.basicConfig();"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from tests.limits.users import main;"
        "asyncio.run(main({'rate': {'requests': '120/min'}, 'run': 'full', 'calls': 3}))"
    )
    environ = {**os.environ, folders.SETTING: str(tmp_path / "limits")}
    ended = subprocess.run([sys.executable, "-c", code], cwd=HERE.parents[1], env=environ, capture_output=True, text=True, check=True)
    times = [float(line.split()[1]) for line in ended.stdout.splitlines()]
    assert times[-1] - times[0] >= 0.9
    assert "by each process alone" in ended.stderr


def test_the_folder_is_this_users_alone_and_tells_no_secret(tmp_path: Path) -> None:
    """Mode 0700, files 0600, and names that are digests."""
    with limits_in(tmp_path / "limits"):
        path = folders.folder()
        assert path.stat().st_mode & 0o777 == 0o700
        SharedFile(path / KEY).change(lambda limits: (limits, None))
        assert (path / KEY).stat().st_mode & 0o777 == 0o600
    assert "sk-secret" not in folders.key("openai:gpt", "https://example.com", "sk-secret")
    assert folders.key("a", "b") != folders.key("ab", "")
    (tmp_path / "theirs").symlink_to(tmp_path / "limits")
    with limits_in(tmp_path / "theirs"), pytest.raises(Unshared, match="is no folder"):
        folders.folder()


def test_files_that_nobody_changed_for_days_are_swept_away(tmp_path: Path) -> None:
    """A new model's file is made: old ones go, and whoever still has one open makes it anew."""
    SharedFile(tmp_path / "old").change(lambda limits: (limits, None))
    SharedFile(tmp_path / "young").change(lambda limits: (limits, None))
    long_ago = time.time() - 3 * 86_400
    os.utime(tmp_path / "old", (long_ago, long_ago))
    SharedFile(tmp_path / "new").change(lambda limits: (limits, None))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["new", "young"]


def test_many_runs_cost_no_descriptors(tmp_path: Path) -> None:
    """A thousand sessions of a process that use a model hold nothing open between two requests."""

    async def go(paces: list[Pace]) -> None:
        for pace in paces:
            await _turn(pace)

    with limits_in(tmp_path):
        paces = [Pace(KEY, ModelRate(), str(number)) for number in range(500)]
        before = len([*Path("/proc/self/fd").iterdir()])
        asyncio.run(go(paces))
        assert len([*Path("/proc/self/fd").iterdir()]) <= before
    assert alone("never used") is alone("never used")


def test_tokens_of_a_turn_that_was_never_had_are_given_back(tmp_path: Path) -> None:
    """Whoever is stopped while it waits has used nothing: later ones don't wait for that."""
    rate = ModelRate.model_validate({"tokens": "60000/min"})

    def ahead() -> float:
        return SharedFile(tmp_path / KEY).change(lambda limits: (limits, limits.tokens))

    async def go() -> tuple[float, float]:
        first, second = (Pace(KEY, rate, run) for run in ("first", "second"))
        async with first.turn(asyncio.sleep):
            first.used(2000)  # from now on a turn is reckoned with two seconds' worth
        first.close()
        before = ahead()
        for _ in range(5):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02), second.turn(asyncio.sleep):
                    raise AssertionError("it isn't its turn")
        second.close()
        return before, ahead()

    with limits_in(tmp_path):
        before, after = asyncio.run(go())
    assert after - before < 1.0
