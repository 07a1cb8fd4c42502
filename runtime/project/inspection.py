"""Callables inspected in a child process with a time limit: names in, `Signatures` out.

Whatever user code does on import (hang, print, exit, crash), the result says so in a `Problem`; nothing is raised.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...compiler.signature import Problem, Signature, Signatures
from ...compiler.types import Record

LIMIT = 20.0
"""Seconds that one module may take to import."""


@dataclass
class _Session:
    """What one child process has said before it ended."""

    signatures: dict[str, Signature] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    importing: str = ""
    finished: bool = False
    timed_out: bool = False
    code: int = 0
    errors: str = ""

    @property
    def killed(self) -> bool:
        """Whether somebody killed the child, which no module does to the process by failing."""
        return not self.finished and not self.timed_out and self.code == -signal.SIGKILL

    def take(self, line: str) -> None:
        if not line.endswith("\n"):
            return  # the child died in the middle of a word
        message: Mapping[str, Any] = json.loads(line)
        if "importing" in message:
            self.importing = message["importing"]
        elif "signature" in message:
            read = Signature.model_validate(message["signature"])
            self.signatures[read.ref] = read
        else:
            self.records = {ref: Record.model_validate(one) for ref, one in message["records"].items()}
            self.finished = True


def inspect_callables(refs: Iterable[str], folder: Path, *, limit: float = LIMIT) -> Signatures:
    """Return what the names look like from a spec in ``folder``; each module has ``limit`` seconds.

    A module that hangs or ends the process costs its own names only: the others are read by a fresh child. A child that
    was killed is started once more before its module is blamed.
    """
    waiting = sorted(set(refs))
    forgiven = False
    found: dict[str, Signature] = {}
    records: dict[str, Record] = {}
    while waiting:
        session = _run(waiting, folder, limit)
        if session.finished:
            found.update(session.signatures)
            records.update(session.records)
            break
        if session.killed and not forgiven:
            forgiven = True
            continue
        lost = [ref for ref in waiting if ref.partition(":")[0] == session.importing] or waiting
        problem = _problem(session, limit)
        found.update({ref: Signature(ref=ref, shape="unknown", problem=problem) for ref in lost})
        waiting = [ref for ref in waiting if ref not in lost]
    return Signatures(callables=dict(sorted(found.items())), records=dict(sorted(records.items())))


def _run(refs: Sequence[str], folder: Path, limit: float) -> _Session:
    command = [sys.executable, "-P", "-B", "-m", "darner.runtime.project.inspect_child"]
    request = json.dumps({"refs": list(refs), "folder": str(folder.resolve())})
    session = _Session()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8", start_new_session=True
        )
        try:
            _converse(child, request, session, limit)
        finally:
            _end(child)
        session.code = child.returncode
        errors.seek(0)
        session.errors = errors.read()[-2000:]
    return session


def _converse(child: subprocess.Popen[str], request: str, session: _Session, limit: float) -> None:
    if child.stdin is None or child.stdout is None:
        return
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pump, args=(child.stdout, lines), daemon=True).start()
    try:
        child.stdin.write(request)
        child.stdin.close()
    except BrokenPipeError:  # the child died at once; its stderr says why
        pass
    while not session.finished:
        try:
            line = lines.get(timeout=limit)
        except queue.Empty:
            session.timed_out = True
            return
        if line is None:
            return
        session.take(line)


def _pump(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _end(child: subprocess.Popen[str]) -> None:
    """End the child with everything that user code may have started in its group."""
    if child.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.5)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _problem(session: _Session, limit: float) -> Problem:
    if session.timed_out:
        return Problem(kind="timeout", message=f"importing {session.importing} took longer than {limit:g} s")
    last = session.errors.strip().splitlines()[-1:] or ["nothing on stderr"]
    what = f"signal {-session.code}" if session.code < 0 else f"exit code {session.code}"
    module = session.importing or "the inspection itself"
    return Problem(kind="crash", message=f"importing {module} ended the process with {what}: {last[0]}")
