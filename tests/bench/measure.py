"""Run a command and see how long it takes and how much memory its whole tree of processes holds."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.1


@dataclass(frozen=True)
class Measured:
    """Wall time in seconds, the largest sum of resident memory over the tree in bytes, and what was printed."""

    seconds: float
    peak: int
    output: str


def measure(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> Measured:
    """Run a command to its end; a failed one fails the measurement with its output."""
    start = time.perf_counter()
    with subprocess.Popen(command, env=dict(env), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        peak = _Peak(process.pid)
        peak.start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - start
        peak.stop()
    if process.returncode != 0:
        msg = f"{' '.join(command)} ended with {process.returncode}:\n{output[-4000:]}"
        raise AssertionError(msg)
    return Measured(seconds, peak.bytes, output)


class _Peak(threading.Thread):
    """Looks at a tree of processes until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._stopped = threading.Event()
        self.bytes = 0

    def run(self) -> None:
        while not self._stopped.wait(EVERY):
            self.bytes = max(self.bytes, self._now())

    def _now(self) -> int:
        total = 0
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in tree:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def python() -> str:
    """Return the interpreter that runs the tests."""
    return sys.executable
