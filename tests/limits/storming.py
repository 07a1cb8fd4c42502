"""A storm: processes with sessions against a server that allows so many requests a minute, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darner.runtime.perform import world
from darner.runtime.testing.allowance import Allowance
from darner.testing import ModelServer

ROOT = Path(__file__).parents[2]
SCRIPT = "replies: [{text: hello, usage: {input: 10, output: 5}}]"
SOON = 0.5
"""Seconds from when all processes are ready to the beginning."""


@dataclass(frozen=True)
class Storm:
    """What came of a storm. ``used`` is the share of what was allowed in its seconds, ``refused`` that of all requests."""

    seconds: float
    allowed: float
    passed: int
    denied: int
    by_session: Counter[str]

    @property
    def used(self) -> float:
        """The share of the allowed rate that was used."""
        return self.passed / (self.allowed * self.seconds)

    @property
    def refused(self) -> float:
        """The share of requests that were refused."""
        return self.denied / max(1, self.passed + self.denied)

    @property
    def fairness(self) -> float:
        """What the session with the fewest answers had, of what the one with the most had."""
        answered = [count for name, count in self.by_session.items() if not name.startswith("failed")]
        return min(answered) / max(1, *answered)

    @property
    def failed(self) -> int:
        """Calls that failed for good."""
        return sum(count for name, count in self.by_session.items() if name.startswith("failed"))


def storm(  # noqa: PLR0913 - what storms differ in, given by name
    folder: Path,
    allow: Allowance,
    *,
    seconds: float,
    processes: int,
    sessions: int,
    is_shared: bool = True,
    is_declared: bool = True,
    is_light: bool = False,
) -> Storm:
    """Let a storm rage for so many seconds. A server's bucket is full at its beginning, which is not counted as allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    with ModelServer(SCRIPT, allow=allow) as server:
        told: dict[str, Any] = {
            "server": server.base_url,
            "sessions": sessions,
            "rate": {"requests": allow.rate} if is_declared else None,
            "shared": str(folder / "shared") if is_shared else None,
            "alone": str(folder),
            "light": is_light,
        }
        started = [_start({**told, "name": f"p{number}"}) for number in range(processes)]
        for one in started:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        begin = world.moment() + SOON
        for one in started:
            assert one.stdin is not None
            one.stdin.write(json.dumps({"begin": begin, "end": begin + seconds}) + "\n")
            one.stdin.flush()
        time.sleep(max(0.0, begin + seconds - world.moment()))
        passed, denied = allow.passed, allow.refused
        by_session = Counter[str]()
        for one in started:
            out, err = one.communicate(timeout=120)
            assert one.returncode == 0, err
            by_session.update(json.loads(out))
        limit = float(allow.rate.partition("/")[0]) / {"min": 60.0, "s": 1.0}[allow.rate.partition("/")[2]]
        return Storm(seconds, limit, passed, denied, by_session)


def _start(told: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.limits.storm", json.dumps(told)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
