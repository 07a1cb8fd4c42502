"""The catalogue's job beside loops that do the same work and survive nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..catalog.running import SPEC
from .conftest import REPEATS, ROWS
from .contest import JOBS, Contestant, compete, job, plain, table
from .measure import measure
from .report import Page, Table, gigabytes

pytestmark = pytest.mark.bench


def test_catalogue_into_parquet(feed: Path, two_rows: Path, page: Page, tmp_path: Path) -> None:
    """Normalise, classify, embed, write Parquet: a loop, two loops, the job on every local engine."""
    spec = JOBS / "to_parquet.yaml"
    two = plain("two plain processes", "--processes", "2")
    contestants = [
        plain("a plain loop"),
        two,
        *(job(f"darner, {engine}", spec, "--engine", engine) for engine in ("in_memory", "multi_processing", "multi_threading")),
    ]
    compete(contestants, feed, two_rows, tmp_path, REPEATS)
    about = "normalise → classify → embed (static model, 256 dimensions) → Parquet. Target: 75 % of two plain processes, below 1 GB."
    page.append(table(f"{ROWS:,} products into Parquet", about, contestants, ROWS, two))
    assert two.seconds / contestants[-1].seconds > 0.3


def test_catalogue_into_lancedb_and_again(feed: Path, two_rows: Path, page: Page, tmp_path: Path) -> None:
    """The same into a LanceDB index; then once more with nothing changed."""
    two = plain("two plain processes", "--processes", "2", "--sink", "lancedb")
    indexing = job("darner", SPEC)
    contestants = [plain("a plain loop", "--sink", "lancedb"), two, indexing]
    compete(contestants, feed, two_rows, tmp_path, REPEATS)
    about = "The same into a table with an index over keys and vectors. Target: 70 % of the plain loop, 85 % without start-up and index."
    page.append(table(f"{ROWS:,} products into a LanceDB index", about, contestants, ROWS, two))
    page.append(_nothing_changed(indexing, feed, tmp_path))


def _nothing_changed(indexing: Contestant, feed: Path, folder: Path) -> Table:
    """Run the job of the last turn again, over its own store."""
    out = folder / "turn"
    words = [word.format(feed=feed, out=out) for word in indexing.command]
    again = measure(words, _with_import_times(), out)
    found = Table(f"Nothing changed: {ROWS:,} rows again", ("", "seconds", "peak memory"), "Target: below 5 s, and Beam isn't imported.")
    found.add("the same command", f"{again.seconds:.1f}", gigabytes(again.peak))
    assert "apache_beam" not in again.output
    return found


def _with_import_times() -> dict[str, str]:
    from .contest import environment  # noqa: PLC0415 - one use

    return environment() | {"PYTHONPROFILEIMPORTTIME": "1"}


def test_three_python_stages(feed: Path, two_rows: Path, page: Page, tmp_path: Path) -> None:
    """Three stages of plain Python that cost 0.2 ms a row together."""
    two = plain("two plain processes", "--processes", "2", "--stages", "spinning")
    spec = JOBS / "spinning.yaml"
    contestants = [
        plain("a plain loop", "--stages", "spinning"),
        two,
        job("darner", spec),
    ]
    compete(contestants, feed, two_rows, tmp_path, REPEATS)
    about = "Three Python stages of about 0.07 ms each, all results kept. Target: 75 % of two plain processes, start-up below 5 s."
    page.append(table(f"{ROWS:,} rows through three Python stages", about, contestants, ROWS, two))
