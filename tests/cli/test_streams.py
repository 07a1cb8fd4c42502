"""Streams of a command that are closed or full: no run depends on what can be said about it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner

from ..desk import command

SPEC = """darner: 1
name: quiet
flow:
  steps:
    first: {use: "quiet_steps:first"}
    second: {use: "quiet_steps:second", with: {text: $first}}
  outputs: $second
"""
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""As a person's shell has it: what a stream didn't take is tried once more when the process ends."""
STEPS = """
import os
from contextlib import suppress

def first() -> str:
    with suppress(OSError):
        os.write(1, b"to whatever is number 1")
    return "a"

def second(text: str) -> str:
    return text * 2
"""


def test_a_run_whose_streams_are_closed_or_full_is_done_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a step writes to descriptor 1 goes nowhere, and never into the file that would have that number: a journal."""
    spec, store = tmp_path / "quiet.yaml", str(tmp_path / "store")
    spec.write_text(SPEC, encoding="utf-8")
    spec.with_name("quiet_steps.py").write_text(STEPS, encoding="utf-8")
    for run, streams in (("closed", "<&- >&- 2>&-"), ("full", ">&- 2>/dev/full")):
        words = command("run", spec, "--run", run, "--store", store)
        done = subprocess.run(["sh", "-c", f'exec "$@" {streams}', "sh", *words], check=False, timeout=280, env=BUFFERED)
        assert done.returncode == 0
        assert darner(["resume", run, "--store", store]) == 0
        assert capsys.readouterr().out == '"aa"\n'


def test_an_output_that_can_t_be_written_is_told_in_a_line() -> None:
    """Exit 1, what to do next, no traceback; with `--json` neither."""
    words = command("ps", "--json", "--store", "/nowhere/at/all")
    full = ["sh", "-c", 'exec "$@" >/dev/full', "sh", *words]
    done = subprocess.run(full, check=False, capture_output=True, text=True, timeout=280, env=BUFFERED)
    assert done.returncode == 1
    assert done.stderr.startswith("error: stdout can't be written: No space left on device\n  help: ")
    assert len(done.stderr.splitlines()) == 2
