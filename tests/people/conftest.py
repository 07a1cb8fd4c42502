"""An office a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from .office import Office


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(tmp_path, capsys)
