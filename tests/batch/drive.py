"""A driver as a process of its own: compiles the spec of its folder, runs the job, prints the report.

SHOP_FAULTS is a JSON list of ``{"match": REGEX, "when": "before" | "within" | "after", "do": "kill-driver" | "kill-self"}``: the first
write of an object whose name matches kills, once; every process of the job opens the store through `open_faulty`. With
``"do": "lie"``, the driver never reads from a matching object what was written; with ``"do": "full"``, a disk is full for
those that match as long as there is a file ``full``; with ``"do": "lack"``, workers have no package for the store.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from darner.compiler.plan import Compiled
from darner.runtime.batch.driver import JobRun, Quiet, run_job
from darner.runtime.failures import DarnerError
from darner.runtime.journal.local_store import explained
from darner.runtime.journal.store import open_store
from darner.runtime.project.load import compile_spec


class FaultyStore:
    """A store that kills when an object is written."""

    def __init__(self, store: Any, faults: list[dict[str, str]]) -> None:
        self._store = store
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, name: str) -> bytes:
        """Read an object."""
        content: bytes = self._store.get(name)
        lies = os.environ["SHOP_DRIVER"] == str(os.getpid()) and any(self._matches("lie", name))
        return content[:-1] if lies else content

    def _matches(self, what: str, name: str) -> Iterator[bool]:
        return (fault["do"] == what and re.search(fault["match"], name) is not None for fault in self._faults)

    def put(self, name: str, content: bytes) -> None:
        """Write an object."""
        self._kill(name, "before")
        self._store.put(name, content)
        self._kill(name, "after")

    def create(self, name: str, content: bytes) -> bool:
        """Write an object if there is none."""
        self._kill(name, "before")
        made: bool = self._store.create(name, content)
        self._kill(name, "after")
        return made

    @contextmanager
    def writer(self, name: str) -> Iterator[Any]:
        """Write a large object."""
        self._kill(name, "before")
        with self._store.writer(name) as file:
            yield file
            self._kill(name, "within")
        self._kill(name, "after")

    def _kill(self, name: str, when: str) -> None:
        if when == "before" and Path("full").exists() and any(self._matches("full", name)):
            raise explained(OSError(errno.ENOSPC, "no space left on device"), f"writing {name}")
        for fault in self._faults:
            if fault.get("when") == when and re.search(fault["match"], name) and _first(fault):
                os.kill(int(os.environ["SHOP_DRIVER"]) if fault["do"] == "kill-driver" else os.getpid(), signal.SIGKILL)


def _first(fault: dict[str, str]) -> bool:
    """Return whether no process of this job has done this before."""
    once = hashlib.sha256(json.dumps(fault).encode()).hexdigest()
    try:
        os.close(os.open(f"fault-{once}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _compiled(folder: Path) -> Compiled:
    """Return the compiled spec; compiled once for each text of it, since compiling isn't what these tests are about."""
    digest = hashlib.sha256((folder / "index.yaml").read_bytes()).hexdigest()
    kept = folder / f"compiled-{digest}.json"
    if not kept.exists():
        kept.write_text(compile_spec(folder / "index.yaml").model_dump_json(by_alias=True))
    return Compiled.model_validate_json(kept.read_text())


def open_faulty(url: str, options: dict[str, Any] | None = None) -> Any:
    """Open a store that does what SHOP_FAULTS says."""
    faults = json.loads(os.environ.get("SHOP_FAULTS", "[]"))
    if options is not None and any(fault["do"] == "lack" for fault in faults):
        raise ImportError("No module named 'the_bucket'")
    return FaultyStore(open_store(url, options), faults)


class Notes(Quiet):
    """Shows on stderr the lines that stay."""

    def note(self, text: str) -> None:
        """Show one."""
        sys.stderr.write(f"{text}\n")


def main() -> None:
    """Run the job of this folder."""
    os.environ["SHOP_DRIVER"] = str(os.getpid())
    folder = Path.cwd()
    call: dict[str, Any] = json.loads(sys.argv[1])
    compiled = _compiled(folder)
    faulty = bool(json.loads(os.environ.get("SHOP_FAULTS", "[]")))
    opener: dict[str, Any] = {"opener": "drive:open_faulty"} if faulty else {}
    store = open_faulty(str(folder / "store")) if faulty else open_store(str(folder / "store"))
    job = JobRun(compiled=compiled, store=store, name="shop", folder=folder, **{"engine": "in_memory", **call}, **opener)
    try:
        report = run_job(job, Notes()).model_dump(mode="json")
    except DarnerError as error:
        report = {"status": "refused", "error": f"{type(error).__name__}: {error.message}", "help": error.help}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
