"""Lives for tests of orchestrators."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..births import Midwife, midwife
from . import lives
from .lives import Life

SPECS = Path(__file__).parent / "specs"


@dataclass
class Journey:
    """One run of a copy of the specs, in as many lives as it takes; its Python may be edited between them."""

    births: Midwife
    folder: Path
    spec: str = "tour.yaml"
    inputs: Any = field(default_factory=lambda: {"city": "Rome", "nights": ["mo", "tu", "mo"]})

    def __post_init__(self) -> None:
        shutil.copytree(SPECS, self.folder / "specs", ignore=shutil.ignore_patterns("__pycache__"))

    def go(self, dies_at: int = 0, **changes: Any) -> Any:
        """Run, or go on, and return what came of it; None where the process was killed. See `Life` for the changes."""
        params = {"log": str(self.folder / "effects")}
        spec = str(self.folder / "specs" / self.spec)
        store = str(self.folder / "store")
        return self.births.run(Life(spec, store, "it", self.inputs, params, dies_at, **changes))

    def edit(self, file: str, old: str, new: str) -> None:
        """Change the Python of the spec."""
        path = self.folder / "specs" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)

    @property
    def effects(self) -> list[str]:
        """What the tools did so far."""
        file = self.folder / "effects"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


@pytest.fixture(scope="module")
def births() -> Iterator[Midwife]:
    """Real processes, forked from one that has imported darner."""
    with midwife(lives) as made:
        yield made


@pytest.fixture
def journey(births: Midwife, tmp_path: Path) -> Journey:
    """A run of tour.yaml."""
    return Journey(births, tmp_path)
