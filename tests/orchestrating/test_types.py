"""Types that values can't be held against are refused before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.runtime.cli.main import run as darner

SPEC = """
darner: 1
name: holes
flow:
  steps:
    start: {use: holes_steps:start}
    told: {use: holes_steps:tell, with: {hole: $start}}
  outputs: $told
"""
STEPS = '''
"""A hole whose type pydantic can't read."""

from typing import TypedDict


class Inner:
    """No data."""


class Hole(TypedDict):
    depth: Inner


def start() -> Hole:
    return {"depth": Inner()}


def tell(hole: Hole) -> str:
    return str(hole)
'''


def test_a_type_that_values_can_t_be_held_against_is_told_with_what_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and not 70: what is wrong is the spec's Python. On Python 3.11 a `typing.TypedDict` is such a type."""
    (tmp_path / "holes.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "holes_steps.py").write_text(STEPS, encoding="utf-8")
    assert darner(["run", str(tmp_path / "holes.yaml"), "--store", str(tmp_path / "store")]) == 2
    err = capsys.readouterr().err
    assert "Hole" in err
    assert "darner itself" not in err
