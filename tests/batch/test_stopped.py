"""What a stopped driver, or one that its machine refuses something, says at its end: never that darner is wrong."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from darner.testing import preempt

from .. import warm
from .jobs import Project, products
from .stall import Stall, offers

DARNER = Path(os.environ.get("DARNER_COMMAND", Path(sys.executable).with_name("darner")))
SULKY = """\
import time
from pathlib import Path

from shop import FileTable


class Sulky(FileTable):
    def __init__(self, *, path, key):
        super().__init__(path, key)

    def append(self, batches):
        if not Path("calm").exists():
            Path("writing").touch()
            try:
                time.sleep(120)
            except KeyboardInterrupt:
                raise LookupError("who is there?") from None
        return super().append(batches)
"""


def test_an_interruption_that_foreign_code_makes_another_error_of_is_an_interruption(tmp_path: Path) -> None:
    """A sink of the user's own that catches it, a lock that it hits: exit 130, how to go on, and nothing lost."""
    project = Project.make(tmp_path / "shop", products(100))
    spec = project.folder / "index.yaml"
    spec.write_text(spec.read_text().replace("shop:file_table", "sulky:Sulky"))
    (project.folder / "sulky.py").write_text(SULKY)
    command = [str(DARNER), "run", "index.yaml", "--store", "store", "--engine", "in_memory"]
    driver = warm.Process(command, imports=warm.JOBS, cwd=project.folder)
    while not (project.folder / "writing").exists():
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.02)
    assert preempt(driver.pid, grace=60)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130, said
    assert "stopped; what was finished is kept. Go on with: darner run index.yaml" in said
    called = project.processed()
    (project.folder / "calm").touch()
    ended = warm.run(command, imports=warm.JOBS, cwd=project.folder)
    assert ended.returncode == 0, ended.stderr
    assert (len(project.rows()), project.processed()) == (100, called)


def test_what_the_machine_refuses_is_not_darners_fault(tmp_path: Path) -> None:
    """So few open files that something fails somewhere: said with what to do, exit code 1, and with enough of them the job ends."""
    stall = Stall.make(tmp_path / "stall", offers(4))
    command = stall.command("run", "stall.yaml", "--engine", "in_memory")
    ends = []
    for most in range(8, 12):
        limit = lambda most=most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # noqa: E731 - it runs in the child
        ended = subprocess.run(command, cwd=stall.folder, capture_output=True, text=True, check=False, timeout=120, preexec_fn=limit)
        ends.append((ended.returncode, ended.stderr))
        if "Too many open files" in ended.stderr and ended.returncode == 1:
            break
    assert ends[-1][0] == 1, ends
    assert "this machine can't do what is needed: Too many open files" in ends[-1][1], ends
    assert "raise the limit on open files" in ends[-1][1]
    assert stall.done()["outputs"]["written"] == 4
