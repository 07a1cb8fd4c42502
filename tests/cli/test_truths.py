"""What the `darner` command tells people and scripts when something is in the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from darner.runtime.cli.main import run as darner

from .. import warm
from ..desk import command

SPEC = """darner: 1
name: truths
flow:
  inputs: truths_steps:Wish
  steps:
    first: {use: "truths_steps:first", with: {text: $inputs.text}}
    second: {use: "truths_steps:second", with: {text: $first}}
  outputs: $second
"""
STEPS = """
import os
from pathlib import Path
from pydantic import BaseModel

class Wish(BaseModel):
    text: str

def first(text: str) -> str:
    print("mine")
    os.system("echo its")
    return text

def second(text: str) -> str:
    if Path(__file__).with_name("broken").exists():
        raise ValueError("what [bold]now[/bold] :question: [/]")
    return text

def exits(text: str) -> str:
    raise SystemExit(4)
"""


class Desk:
    """A spec in a folder, and commands as processes of their own, elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.spec, self.store, self.elsewhere = folder / "spec" / "truths.yaml", folder / "store", folder / "elsewhere"
        self.spec.parent.mkdir()
        self.elsewhere.mkdir()
        self.spec.write_text(SPEC, encoding="utf-8")
        self.spec.with_name("truths_steps.py").write_text(STEPS, encoding="utf-8")
        self.broken = self.spec.with_name("broken")

    def __call__(self, *words: str, store: bool = True) -> tuple[int, str, str]:
        """Run a command; return its exit code, its stdout and its stderr."""
        place = ["--store", str(self.store)] if store else []
        done = warm.run(command(*words, *place), cwd=self.elsewhere)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run the spec."""
        return self("run", str(self.spec), *words)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_users_print_is_no_output_and_their_errors_are_shown_as_they_are(desk: Desk) -> None:
    """Stdout is exactly the outputs; brackets and colons in errors are neither colours nor emoji."""
    assert desk.run("-i", "text=a")[:2] == (0, '"a"\n')
    desk.broken.touch()
    code, out, err = desk.run("-i", "text=a", "--run", "r", "--json")
    assert (code, json.loads(out)["status"]) == (1, "failed")
    assert "what [bold]now[/bold] :question: [/]" in err
    assert "mine\nits" in err


def test_a_step_that_exits_fails_with_its_place(desk: Desk) -> None:
    """It doesn't end the process that runs it."""
    desk.spec.write_text(SPEC.replace(":second", ":exits"), encoding="utf-8")
    code, out, err = desk.run("-i", "text=a")
    assert (code, out) == (1, "")
    assert "truths.yaml:7:5: step second failed (error, SystemExit)" in err


IMPORTING = """
import sys
from darner.runtime.cli.main import main


class Told:
    def find_spec(self, name, path=None, target=None):
        if name == "darner.runtime.cli.application":
            print("go", flush=True)


sys.meta_path.insert(0, Told())
main(sys.argv[1:])
"""
"""Says `go` when darner has begun to import what it needs: before that, Python is alone with itself."""


def test_ctrl_c_while_everything_is_imported_is_one_line(desk: Desk) -> None:
    """Whenever it comes; never a traceback."""
    for late in (0.0, 0.05, 0.2, 0.4):
        with subprocess.Popen(
            [sys.executable, "-c", IMPORTING, "run", str(desk.spec), "-i", "text=a"],
            cwd=desk.elsewhere, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == "go\n"
            time.sleep(late)
            os.kill(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        assert process.returncode in {0, 130}
        assert process.returncode == 0 or len(err.splitlines()) <= 2


def test_ctrl_c_while_a_spec_is_compiled_is_told(desk: Desk) -> None:
    """In a line for people and in an object for scripts: a command never ends without a word."""
    stopping = "import os, signal, sys\nif '-i' not in sys.argv:\n    os.kill(os.getppid(), signal.SIGINT)"
    desk.spec.with_name("truths_steps.py").write_text(STEPS.replace("import os", stopping, 1), encoding="utf-8")
    code, out, err = desk.run("-i", "text=a", "--run", "r", "--json")
    told = json.loads(out)
    assert (code, told["run"], told["status"]) == (130, "r", "failed")
    assert "stopped" in told["error"]
    assert "run the same command again" in err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    assert darner(["--version"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("darner ")


@pytest.mark.parametrize(
    ("words", "run", "said"),
    [
        (["run", "nowhere.yaml"], None, "nowhere.yaml"),
        (["run", "nowhere.yaml", "--run", "mine"], "mine", "nowhere.yaml"),
        (["resume", "--redo", "step", "mine"], "mine", "there is no run mine"),
        (["run", "--unknown"], None, "unknown"),
    ],
)
def test_scripts_get_one_object_when_a_call_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], run: str | None, said: str
) -> None:
    """Exit 2, and what is wrong on stdout as JSON, too."""
    assert darner([*words, "--json", "--store", str(tmp_path / "store")]) == 2
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said in told.pop("error")
    assert told == {"run": run, "status": "failed", "outputs": None, "cost": None}


def test_an_edited_spec_is_told_when_its_run_goes_on(desk: Desk) -> None:
    """The plan is pinned, and what is offered instead works."""
    desk.broken.touch()
    assert desk.run("-i", "text=a", "--run", "r")[0] == 1
    desk.broken.unlink()
    desk.spec.write_text(SPEC.replace("darner: 1", "# A comment.\ndarner: 1"), encoding="utf-8")
    desk.broken.touch()
    assert "the spec has changed" not in desk("resume", "r")[2]
    desk.broken.unlink()
    desk.spec.write_text(SPEC.replace("outputs: $second", "outputs: {new: $second}"), encoding="utf-8")
    code, forked, _ = desk("fork", "r", "--at", "second", "--plan", "new")
    assert code == 0
    assert json.loads(desk("resume", forked.strip())[1]) == {"new": "a"}
    for words in (("run", str(desk.spec), "--run", "r"), ("resume", "r")):
        code, out, err = desk(*words)
        assert (code, out) == (0, '"a"\n')
        assert "the spec has changed since; this run keeps the plan it began with" in err
        assert "darner fork r --at STEP --plan new" in err


def test_a_target_beside_the_spec_is_found_from_anywhere(desk: Desk) -> None:
    """As `run` found it; and a target that is nowhere is still refused."""
    desk.spec.with_name("darner.toml").write_text("[target.mine]\n", encoding="utf-8")
    assert desk.run("-i", "text=a", "--run", "r", "--target", "mine")[0] == 0
    assert desk("resume", "r", "--target", "mine")[:2] == (0, '"a"\n')
    assert desk("resume", "r", "--target", "other")[0] == 2


def test_a_run_that_never_began_is_told_so_and_named_by_nobody(desk: Desk) -> None:
    """Its folder may be there, made with its lock; what was refused first has named no run to go on with."""
    early = "import os, sys\nif '-i' in sys.argv:\n    raise OSError"
    desk.spec.with_name("truths_steps.py").write_text(STEPS.replace("import os", early, 1), encoding="utf-8")
    code, _, err = desk.run("-i", "text=a")
    assert code == 2
    assert "run truths-" not in err
    (desk.store / "runs" / "early").mkdir(parents=True)
    (desk.store / "runs" / "early" / "owner").touch()
    code, _, err = desk("resume", "early")
    assert code == 2
    assert "nothing was done" in err
    assert "run it again" in err


@pytest.mark.parametrize("words", [("--engine", "local"), ("--allow-deletes", "3")])
def test_what_only_jobs_have_is_refused_for_a_flow(desk: Desk, words: tuple[str, str]) -> None:
    """Not ignored."""
    code, out, err = desk.run("-i", "text=a", *words)
    assert (code, out) == (2, "")
    assert f"{words[0]} is for jobs" in err


def test_where_a_run_was_looked_for_is_told(desk: Desk) -> None:
    """With how to look elsewhere."""
    code, _, err = desk("show", "catalog")
    assert code == 2
    assert str(desk.store) in err
    assert "--store" in err
    assert "DARNER_STORE" in err
