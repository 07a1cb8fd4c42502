"""How a job stands, as `darner ps` and `darner show` say it while it runs and after."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from .stall import Stall, offers


def test_a_job_is_running_while_its_driver_lives_and_unfinished_when_that_was_killed(tmp_path: Path) -> None:
    """With its rows, and who drives it."""
    stall = Stall.make(tmp_path / "stall", [*offers(3), ("s9", "slow", "1.5")])
    with subprocess.Popen(
        stall.command("run", "stall.yaml", "--engine", "in_memory"),
        cwd=stall.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 120
        while stall.called() == 0 and time.monotonic() < deadline:
            time.sleep(0.1)
        [job] = json.loads(stall.darner("ps", "--json").stdout)["jobs"]
        shown = stall.darner("show", "stall").stdout
        process.kill()
    assert (job["job"], job["status"], job["rows"]) == ("stall", "running", 4)
    assert job["holder"] == f"process {process.pid} on {job['holder'].rpartition(' ')[2]}"
    assert shown.startswith(f"stall  running  held by {job['holder']}\n")
    assert stall.darner("show", "stall").stdout.startswith("stall  unfinished\n")


def test_a_finished_job_says_when_it_ran_and_over_how_many_rows(tmp_path: Path) -> None:
    """In one line."""
    stall = Stall.make(tmp_path / "stall", offers(3))
    stall.done()
    listed = stall.darner("ps").stdout
    assert listed.startswith("stall  done  job  3 rows  ")
    assert listed.endswith(" ago\n")
