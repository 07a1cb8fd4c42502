"""What a person who is new to jobs runs into, on the real command line."""

from __future__ import annotations

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
