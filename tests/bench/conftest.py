"""One feed and one page of results for all measurements of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..catalog.conftest import generate
from .report import DOCS, Page, document

ROWS = int(os.environ.get("DARNER_BENCH_ROWS", "250000"))
REPEATS = int(os.environ.get("DARNER_BENCH_REPEATS", "1"))
ROUNDS = int(os.environ.get("DARNER_BENCH_ROUNDS", "5"))
"""How often each contestant of a flow has its turn; its median counts."""


@pytest.fixture(scope="session")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a feed of ``DARNER_BENCH_ROWS`` rows."""
    return generate(tmp_path_factory.mktemp("bench") / "feed.parquet", "--rows", str(ROWS))


@pytest.fixture(scope="session")
def two_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a feed of two rows: what it takes is start-up."""
    return generate(tmp_path_factory.mktemp("bench") / "two.parquet", "--rows", "2")


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    """Collect and print tables; ``DARNER_BENCH_WRITE=1`` writes them into docs/ at the end, ``=part`` among those of before."""
    page = Page()
    yield page
    wanted = os.environ.get("DARNER_BENCH_WRITE")
    if wanted in {"1", "part"} and page.tables:
        before = DOCS.read_text(encoding="utf-8") if wanted == "part" else ""
        DOCS.write_text(document(page.tables, os.cpu_count() or 1, _rounds(), before), encoding="utf-8")
        for path, picture in page.pictures.items():
            path.write_text(picture, encoding="utf-8")


def _rounds() -> str:
    jobs = "jobs: single runs" if REPEATS == 1 else f"jobs: medians of {REPEATS} runs"
    return f"{jobs}; sessions: medians of {ROUNDS} interleaved rounds, fsync on"
