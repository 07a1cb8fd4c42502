"""A finished job of 400 products that each test may damage: it is put back before the next."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..catalog.conftest import generate
from ..catalog.running import Place

ROWS = 400


@dataclass(frozen=True)
class Finished:
    """A job that is done, and the digest of what it wrote."""

    place: Place
    digest: str

    def never_committed(self) -> None:
        """Bring about what a kill before the first write to the sink leaves: parts and markers, and nothing behind them."""
        shutil.rmtree(self.place.index)
        for generation in self.place.store.glob("jobs/catalog/0*"):
            (generation / "manifest.json").unlink()
            shutil.rmtree(generation / "rows")
            shutil.rmtree(generation / "sink")


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Path]:
    """Run the job once, and keep a copy of everything."""
    root = tmp_path_factory.mktemp("bad") / "job"
    root.mkdir()
    place = Place(root, generate(root / "feed.parquet", "--rows", str(ROWS)))
    place.done()
    copy = root.with_name("copy")
    shutil.copytree(root, copy)
    return Finished(place, place.digest()), copy


@pytest.fixture
def finished(finished_once: tuple[Finished, Path]) -> Finished:
    """Return the finished job as it was left."""
    found, copy = finished_once
    shutil.rmtree(found.place.root)
    shutil.copytree(copy, found.place.root)
    return found


@pytest.fixture
def fresh(tmp_path: Path, finished_once: tuple[Finished, Path]) -> Place:
    """Return a place with the same feed and nothing else."""
    feed = tmp_path / "feed.parquet"
    shutil.copy(finished_once[1] / "feed.parquet", feed)
    return Place(tmp_path, feed)
