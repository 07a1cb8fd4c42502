"""What the exceptions of user code are evidence of, beyond that it raised."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..desk import Desk

SPEC = """darner: 1
name: pays
params: {log: {type: str}}
tools:
  pay: {use: 'trouble:pay', effects: write}
flow:
  steps:
    paid: {use: pay, with: {log: $params.log}}
  outputs: $paid
"""


def test_a_write_whose_connection_broke_is_not_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it happened is unknown: not a second attempt, nor a resume, repeats it, and the message says how to go on."""
    folder, desk = tmp_path / "spec", Desk(tmp_path, capsys)
    shutil.copytree(Path(__file__).parent / "trouble_spec", folder)
    (folder / "spec.yaml").write_text(SPEC)
    assert desk("run", str(folder / "spec.yaml"), "--set", f"log={tmp_path}", "--run", "r1") == 1
    assert "BrokenPipeError" in desk.err
    assert desk("resume", "r1") == 1
    assert "it may or may not have happened" in desk.err
    assert "--redo" in desk.err
    assert (tmp_path / "paid").read_text() == "tried\n"
