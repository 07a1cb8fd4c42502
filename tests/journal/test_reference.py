"""The reference says what a journal holds, down to each event and field, and what a store takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from darner.runtime import events
from darner.runtime.cli.running import STORE_OPTIONS
from darner.runtime.journal.buckets import azure, gcs, s3
from darner.runtime.journal.buckets.store import SCHEMES

REFERENCE = Path(__file__).parents[2] / "docs/reference"
PAGE = (REFERENCE / "journal.md").read_text(encoding="utf-8")
STORES = (REFERENCE / "stores.md").read_text(encoding="utf-8")
KINDS: tuple[Any, ...] = get_args(get_args(events.Event)[0])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_and_each_of_its_fields_is_in_the_reference(kind: Any) -> None:
    """An event that nobody wrote down could not be read by anybody else."""
    name = kind.model_fields["kind"].default
    [row] = re.findall(rf"^\| `{name}` \|.*$", PAGE, flags=re.MULTILINE)
    missing = [field for field in kind.model_fields if field not in {"kind", "at"} and f"`{field}`" not in row]
    assert missing == []


@pytest.mark.parametrize(("section", "options"), [("s3", s3.OPTIONS), ("gcs", gcs.OPTIONS), ("azure", azure.OPTIONS)])
def test_every_option_of_every_kind_of_store_is_in_the_reference(section: str, options: frozenset[str]) -> None:
    """What a section of a target may hold is written down, and nothing else is."""
    [row] = re.findall(rf"^\|[^|]*\| `\[target\.NAME\.{section}\]` \|([^|]*)\|.*$", STORES, flags=re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == options


def test_every_address_is_in_the_reference_and_has_its_section() -> None:
    """Whatever can be opened can be looked up."""
    assert set(STORE_OPTIONS) == set(SCHEMES)
    assert [one for one in SCHEMES if f"`{one}://" not in STORES] == []
