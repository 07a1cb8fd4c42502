"""What every contestant is put through, and how it tells what came of it. Needs the standard library only.

    python -m bench.peers.PEER COURSE FOLDER [--steps N] [--sessions N] [--turns N] [--model URL]
        [--store URL] [--deadly N] [--way NAME] [--sampled]

Courses: ``sequence`` (one session of N steps), ``sessions`` (many side by side), ``die`` (one session that kills itself
with SIGKILL when its last step begins), ``resume`` (that session gone on with), ``talk`` (a conversation with a model),
``swarm`` (many sessions in a store anywhere, all killed when step number ``deadly`` of all begins). Each prints one
JSON object as its last line: what was measured, and the most memory that the process itself held, in bytes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WORDS = "word " * 200
"""What is said by either side in a turn: 250 tokens of four letters, so that 200 turns are a conversation of 100,000."""
SESSION = "bench"
KIBI = 1024
"""What the system counts resident memory in."""
WARM = 20
"""Steps of a session before the measured ones: imports, tables and caches are nobody's speed."""


@dataclass(frozen=True)
class Course:
    """What is asked for. ``way`` chooses among several ways to write the same thing, where a contestant has them."""

    kind: str
    folder: Path
    steps: int
    sessions: int
    turns: int
    model: str
    way: str
    store: str
    deadly: int
    sampled: bool


Runner = Callable[[Course], Mapping[str, Any]]


def main(runners: Mapping[str, Runner]) -> None:
    """Run the course that the command line names, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=sorted(runners))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--model", default="")
    parser.add_argument("--way", default="")
    parser.add_argument("--store", default="")
    parser.add_argument("--deadly", type=int, default=0)
    parser.add_argument("--sampled", action="store_true", help="tell where the time goes, too (darner only)")
    course = Course(**vars(parser.parse_args()))
    course.folder.mkdir(parents=True, exist_ok=True)
    told = dict(runners[course.kind](course)) | {"memory": _peak()}
    sys.stdout.write(f"\n{json.dumps(told)}\n")
    sys.stdout.flush()
    os._exit(0)  # what was measured is told; how long threads take to end is not part of it


def _peak() -> int:
    """Return the most memory that this process held, in bytes; what `getrusage` counts begins with the parent's."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(told.partition("VmHWM:")[2].split()[0]) * KIBI


@dataclass
class Mortal:
    """A step that is killed when it begins for the ``last`` time in a session's first life, and notes when in its second."""

    folder: Path
    last: int
    served_from: float = 0.0
    reached: float = 0.0

    def step(self, number: int) -> int:
        """Return the next number."""
        if number == self.last - 1:
            self._at_last()
        return number + 1

    def _at_last(self) -> None:
        marker = self.folder.parent / "died"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self.reached = time.perf_counter()


def ask(url: str, messages: list[dict[str, str]]) -> str:
    """Return what a model on loopback answers to a conversation."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    body = json.dumps({"model": "scripted", "messages": messages})
    connection.request("POST", f"{place.path}/chat/completions", body, {"Content-Type": "application/json"})
    told = json.loads(connection.getresponse().read())
    connection.close()
    return str(told["choices"][0]["message"]["content"])


def said(turn: int) -> dict[str, str]:
    """Return what the user says in a turn."""
    return {"role": "user", "content": f"{turn} {WORDS}"}


def answered(text: str) -> dict[str, str]:
    """Return what the model says, as a message."""
    return {"role": "assistant", "content": text}


def files_size(folder: Path) -> int:
    """Return how many bytes the files below a folder hold."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def database_size(file: Path) -> int:
    """Return how many bytes a SQLite database holds, pages that wait in its write-ahead log counted once."""
    connection = sqlite3.connect(file)
    pages, size = connection.execute("pragma page_count").fetchone()[0], connection.execute("pragma page_size").fetchone()[0]
    connection.close()
    return int(pages * size)
