"""A storm of 429: fifty sessions in five processes against a server that allows 6,000 requests a minute."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from darner.runtime.testing.allowance import Allowance

from ..limits.storming import Storm, storm
from .report import Page, Table

pytestmark = pytest.mark.bench
SECONDS = float(os.environ.get("DARNER_BENCH_STORM", "60"))
COLUMNS = ("", "of the allowed rate", "refused", "calls refused", "fewest to most answers of a session")
ABOUT = (
    f"Fifty sessions in five processes ask as fast as they may, for {SECONDS:g} s over real HTTP; the server's bucket holds a second's "
    "worth (so a little more than all may be used) and its Retry-After is in whole seconds. Alone: each session keeps to the declared "
    "rate, or to what it learns, by itself. Target: 95 % used, 2 % refused at most, nobody starved."
)
WAYS = (
    ("declared, shared", True, True),
    ("declared, each session alone", False, True),
    ("learnt, shared", True, False),
    ("learnt, each session alone", False, False),
)


def test_a_storm_of_429(page: Page, tmp_path: Path) -> None:
    """The shared limiter beside the same one kept by each session for itself."""
    found = Table("6,000 requests a minute for fifty sessions", COLUMNS, ABOUT)
    seen: dict[str, Storm] = {}
    for name, is_shared, is_declared in WAYS:
        seen[name] = one = storm(
            tmp_path / name.replace(" ", "-"),
            Allowance("6000/min"),
            seconds=SECONDS,
            processes=5,
            sessions=10,
            is_shared=is_shared,
            is_declared=is_declared,
            is_light=True,
        )
        found.add(name, f"{one.used:.0%}", f"{one.refused:.1%}", f"{one.denied:,}", f"{one.fairness:.2f}")
    found.notes.append("A request is made by a bare HTTP client: what is measured is the limiter, not pydantic-ai.")
    page.append(found)
    assert seen["declared, shared"].refused < seen["declared, each session alone"].refused
