"""What a person who is new to jobs runs into, on the real command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .stall import LANCEDB, MEMORY, PARQUET, Stall, offers


@pytest.mark.parametrize("sink", [PARQUET, LANCEDB, MEMORY])
def test_a_run_that_only_deletes_takes_the_row_away(tmp_path: Path, sink: str) -> None:
    """The table that an earlier run wrote fits the one that a run without rows asks for."""
    stall = Stall.make(tmp_path / "stall", offers(40), sink=sink)
    stall.done()
    stall.feed(offers(39))
    report = stall.done()["outputs"]
    assert report["deleted"] == 1
    if sink != MEMORY:
        assert stall.keys() == [f"s{number:03d}" for number in range(39)]
    assert stall.called() == 40


@pytest.mark.parametrize("sink", [PARQUET, LANCEDB])
def test_a_table_that_is_gone_is_built_again_without_a_call(tmp_path: Path, sink: str) -> None:
    """Also where a row has changed: the table holds all rows, and only that row's stages are called."""
    stall = Stall.make(tmp_path / "stall", offers(30), sink=sink)
    stall.done()
    shutil.rmtree(stall.folder / "table")
    again = stall.run()
    assert again.returncode == 0, again.stderr
    assert "table is gone or empty, where 30 rows were written" in again.stderr
    assert (stall.called(), len(stall.keys())) == (30, 30)
    shutil.rmtree(stall.folder / "table")
    stall.feed([("s000", "another", "7"), *offers(30)[1:]])
    report = stall.done()["outputs"]
    assert (report["changed"], report["redo"], report["written"]) == (1, 29, 30)
    assert (stall.called(), len(stall.keys())) == (31, 30)
