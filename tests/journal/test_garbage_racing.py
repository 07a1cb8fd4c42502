"""`darner gc` in a loop, in a process of its own, beside runs, answers, forks and resumes: nothing under way is ever touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner

from ..servers import S3Server

SPECS = Path(__file__).parents[1] / "views"
HOUSE = Path(__file__).parents[2]


@dataclass
class Desk:
    """Commands in this process, on a store that another process clears all the time."""

    url: str
    folder: Path
    capsys: pytest.CaptureFixture[str]
    err: str = ""
    rounds: int = 2

    def __call__(self, *words: str) -> tuple[int, Any]:
        """Run a command, and return its exit code and the object that it printed."""
        code = darner([*words, "--json", "--store", self.url])
        out, self.err = self.capsys.readouterr()
        return code, json.loads(out) if out else None

    def run(self, spec: str, run_id: str) -> tuple[int, Any]:
        """Run a spec."""
        given = ["-i", "traveller=ada", "-i", 'towns=["Oslo", "Rome"]', "--set", f"log={self.folder / run_id}"]
        return self("run", str(SPECS / f"{spec}.yaml"), *given, "--run", run_id)


@pytest.fixture(
    params=[
        pytest.param(("folder", 2), id="folder"),
        pytest.param(("folder", 20), marks=pytest.mark.soak, id="folder-long"),  # what one round shows, ten times over
        pytest.param(("s3", 2), marks=pytest.mark.soak, id="s3"),
    ]
)
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """Yield commands on a store that is cleared meanwhile; the clearing must have found something, and end well."""
    (kind, rounds), url = request.param, str(tmp_path / "store")
    if kind == "s3":
        server: S3Server = request.getfixturevalue("s3")
        url = server.url(tmp_path.name)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
    stop = tmp_path / "stop"
    words = [sys.executable, "-m", "tests.journal.clearing", url, str(stop)]
    with subprocess.Popen(words, cwd=HOUSE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as clearing:
        yield Desk(url, tmp_path, capsys, rounds=rounds)
        stop.touch()
        out, err = clearing.communicate(timeout=120)
    assert clearing.returncode == 0, err
    assert json.loads(out), "nothing was ever cleared, so nothing was proved"


def test_whatever_is_under_way_goes_on_while_a_store_is_cleared_all_the_time(desk: Desk) -> None:
    """Runs end with their outputs, parked ones are answered and end; a finished one is forked, or was deleted: one or the other."""
    for number in range(desk.rounds):
        parked = f"p{number}"
        code, told = desk.run("asking", parked)
        assert code == 3, desk.err
        code, told = desk.run("trip", f"t{number}")
        assert (code, told["outputs"]["towns"]) == (0, ["Oslo", "Rome"]), desk.err
        code, told = desk("fork", f"t{number}", "--at", "booked", "--run", f"f{number}")
        if code == 0:
            code, told = desk("resume", f"f{number}")
            assert (code, told["outputs"]["towns"]) == (0, ["Oslo", "Rome"]), desk.err
        else:
            assert code == 2, desk.err
            assert "deleted" in desk.err, desk.err
        code, told = desk("answer", parked, "Bonn", "--resume")
        assert code == 3, desk.err
        code, told = desk("answer", parked, "approve", "--resume")
        assert (code, told["outputs"]["towns"]) == (0, ["Bonn"]), desk.err
