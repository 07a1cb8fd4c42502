"""The catalogue's Python, as `darner run specs/catalog` finds it, and a small feed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "specs" / "catalog"
sys.path.insert(0, str(SPEC))


def generate(out: Path, *arguments: str, hash_seed: str = "0") -> Path:
    """Run the generator as a person does."""
    command = [sys.executable, "-m", "catalog.generate", "--out", str(out), *arguments]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(SPEC), "PYTHONHASHSEED": hash_seed})
    return out


@pytest.fixture(scope="session")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a feed of 3,000 rows."""
    return generate(tmp_path_factory.mktemp("feed") / "feed.parquet", "--rows", "3000")
