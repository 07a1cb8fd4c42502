"""`darner diff`: what changed, what it costs, and what becomes of the runs under way."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from .. import warm
from ..desk import command

HERE = Path(__file__).parent
SEED = 20261122


class Fleet:
    """Runs of one flow in a folder of their own, whose code is edited while they are under way."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.count = count
        shutil.copytree(HERE / "fleet_v1", folder / "fleet")
        shutil.copy(HERE / "fleet.yaml", folder / "fleet.yaml")
        shutil.copy(HERE / "fleet.yaml", folder / "old.yaml")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace some text."""
        place = self.folder / file
        text = place.read_text()
        assert old in text
        place.write_text(text.replace(old, new))

    def process(self, what: str) -> Any:
        """Begin or resume every run in a process of its own, and return what each did."""
        return json.loads(self._told([sys.executable, str(HERE / "drive_fleet.py"), what, str(self.folder), str(SEED), str(self.count)]))

    def verdicts(self) -> dict[str, Any]:
        """Return what `darner diff --runs` says of each run."""
        files = [str(self.folder / "old.yaml"), str(self.folder / "fleet.yaml")]
        told = json.loads(self.darner("diff", *files, "--runs", "--json", "--store", str(self.folder / "store")))
        return {one["run"]: one for one in told["runs"]}

    def darner(self, *words: str) -> str:
        """Return what a command prints."""
        return self._told(command(*words))

    def diff(self) -> str:
        """Return what `darner diff` prints for people, both ways."""
        line = command("diff", self.folder / "old.yaml", self.folder / "fleet.yaml")
        made = warm.run(line)
        assert made.returncode == 0, made.stderr
        return made.stdout + made.stderr

    def _told(self, line: list[str]) -> str:
        made = warm.run(line)
        assert made.returncode == 0, made.stderr
        return made.stdout


@pytest.mark.soak
def test_what_becomes_of_a_hundred_runs_is_what_was_said(tmp_path: Path) -> None:
    """Code edited under 100 parked and failed runs: `diff --runs` says of each what it redoes and asks again, and that is what happens.

    Others answer wrongly or not at all: an edit breaks replay (temporalio/sdk-python#1109), or whole steps are done again
    (langchain-ai/langgraph#6208).
    """
    fleet = Fleet(tmp_path, 100)
    begun = fleet.process("begin")
    assert {one["status"] for one in begun.values()} == {"waiting", "failed"}
    fleet.edit("fleet/steps.py", 'f"{job.name}-{number}"', "job.name + ('/' if job.kind == 'b' else '-') + str(number)")
    fleet.edit("fleet/steps.py", "chief(what=job.name)", 'chief(what=job.name + ("!" if job.kind == "c" else ""))')
    said = fleet.verdicts()
    assert len(said) == 100
    assert {one["verdict"] for one in said.values()} == {"safe", "redoes", "asks again"}
    (fleet.folder / "open").touch()
    done = fleet.process("resume")
    for run, one in done.items():
        looked = sum(line.startswith("look") for line in one["calls"])
        assert looked == said[run]["redoes"], run
        assert one["asked"] == len(said[run]["asks_again"]), run
        assert one["status"] == ("waiting" if one["asks"] else "done"), run
    run = next(run for run, one in done.items() if one["status"] == "done" and said[run]["redoes"])
    told = json.loads(fleet.darner("show", run, "--drift", "--json", "--store", str(fleet.folder / "store")))
    assert [(one["name"], one["reason"]) for one in told["drift"]] == [("look", "no longer asked for")] * said[run]["redoes"]


def test_runs_keep_the_plan_that_they_are_bound_to(tmp_path: Path) -> None:
    """A changed spec changes nothing for runs under way: they are pinned, and go on as they were."""
    fleet = Fleet(tmp_path, 10)
    fleet.process("begin")
    fleet.edit("fleet.yaml", "May we go on", "Shall we really go on")
    fleet.edit("fleet.yaml", "calls: 20", "calls: 30")
    said = fleet.verdicts()
    assert {one["verdict"] for one in said.values()} == {"pinned"}
    (fleet.folder / "open").touch()
    for run, one in fleet.process("resume").items():
        assert one["asked"] == 0, run
        assert not any(line.startswith("look") for line in one["calls"]), run


def test_changes_are_told_with_what_they_cost(tmp_path: Path) -> None:
    """What differs, and what of it concerns runs under way; equal specs differ in nothing."""
    fleet = Fleet(tmp_path, 1)
    assert "nothing has changed" in fleet.diff()
    fleet.edit("fleet.yaml", "calls: 20", "calls: 30")
    fleet.edit("fleet.yaml", "May we", "Might we")
    told = fleet.diff()
    assert "steps.work  changed" in told
    assert "limits: {'calls': 20} -> {'calls': 30}" in told
    assert "humans.chief  changed" in told
    assert "=> runs under way: they keep the plan and the prompts that they are bound to; new runs have these" in told
