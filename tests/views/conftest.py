"""What every test here has."""

from __future__ import annotations

from pathlib import Path

import pytest

from .desk import Desk


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Return commands on a store of this test's own."""
    return Desk(tmp_path, capsys)
