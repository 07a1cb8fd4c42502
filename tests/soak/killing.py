"""Starting a job, killing a part of it at a moment, and going on."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

OURS = re.compile(r"processes\.child|beam_worker")
Victim = Literal["driver", "worker"]


@dataclass(frozen=True)
class Kill:
    """What was killed, after how many seconds; ``hit`` is false where the job had ended before."""

    victim: Victim
    after: float
    hit: bool
    code: int


def killed_once(command: Sequence[str], env: dict[str, str], log: Path, victim: Victim, chance: random.Random, longest: float) -> Kill:  # noqa: PLR0913, PLR0917 - what, whom, when
    """Start a command in a session of its own, kill the victim with -9 at some moment, and wait until all of it is gone."""
    after = chance.uniform(0.05, 0.95) * longest
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, start_new_session=True)
    started = time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after)
    hit = process.poll() is None and _strike(process, victim, chance)
    if victim == "worker" or not hit:
        _ended(process, 120 + 10 * longest)
    else:
        process.wait(30)
        _gone(process.pid, started)
    return Kill(victim, after, hit, process.returncode)


def _ended(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until a driver has ended by itself; one that waits for a dead worker for ever is what this looks for."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        msg = f"the driver still waited {seconds:.0f} s after a worker was killed"
        raise AssertionError(msg) from None


def _strike(process: subprocess.Popen[bytes], victim: Victim, chance: random.Random) -> bool:
    """Kill the driver, or one of its workers as soon as it has any; return whether somebody was there to be killed."""
    while victim == "worker" and process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            if workers := _workers(psutil.Process(process.pid)):
                chance.choice(workers).kill()
                return True
        time.sleep(0.05)
    process.kill()
    return victim == "driver"


def _workers(driver: psutil.Process) -> list[psutil.Process]:
    """Return Beam's worker processes and the children that compute, oldest first."""
    below = sorted(driver.children(recursive=True), key=lambda one: one.pid)
    return [one for one in below if OURS.search(" ".join(one.cmdline()))]


def _gone(session: int, started: float) -> None:
    """Wait until no process of a session is left: orphans must notice by themselves that their driver is dead."""
    while time.monotonic() - started < 600:
        if not any(_session(process) == session for process in psutil.process_iter()):
            return
        time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)
    msg = "processes of a killed job were still there after ten minutes"
    raise AssertionError(msg)


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid) if process.status() != psutil.STATUS_ZOMBIE else -1
    except (ProcessLookupError, psutil.NoSuchProcess):
        return -1
