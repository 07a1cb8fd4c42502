"""The page about connectors does what it says."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from darner.connectors import registry, testing
from darner.connectors.rows import to_rows

PAGE = (Path(__file__).parents[2] / "docs/reference/connectors.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's code of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


DATASETS: dict[str, dict[str, Any]] = {name: one for block in blocks("yaml") for name, one in yaml.safe_load(block).items()}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's Python as a module that a spec could name."""
    (tmp_path / "shop_feeds.py").write_text("\n\n".join(blocks("python")), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_feeds", raising=False)
    return importlib.import_module("shop_feeds")


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_of_the_page_can_be_built(name: str, tmp_path: Path) -> None:
    """Options are spelled as they are in the code."""
    dataset = DATASETS[name]
    assert registry.connect(dataset["use"], with_=dataset["with"], key=dataset["key"], base=tmp_path)


def test_the_connectors_of_the_page_are_those_that_ship() -> None:
    """A row for each."""
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## files")[0], re.MULTILINE)
    assert listed == ["use", *registry.names()]


def test_the_pages_own_connector_reads_and_tells_broken_rows(shop: ModuleType, tmp_path: Path) -> None:
    """Named by module and attribute, as a spec does."""
    (tmp_path / "feed.txt").write_text("a  One  \nbroken\nb  Two  \n")
    source = registry.source("shop_feeds:FixedWidth", with_={"path": "feed.txt", "widths": {"sku": 3, "title": 5}}, base=tmp_path)
    rows = [row for part in source.ranges() for _, batch in source.read(part) for row in to_rows(batch)]
    assert [row["title"] for row in rows] == ["One", None, "Two"]
    assert [row["_raw"] for row in rows] == [None, "broken", None]


@pytest.mark.parametrize("check", testing.WRITABLE, ids=testing.name)
def test_the_pages_test_passes(check: testing.Check, shop: ModuleType) -> None:
    """The example of the suite's use is a test that passes."""
    vars(shop)["test_the_sink_keeps_its_promises"](check)


def test_the_page_counts_the_broken_variants() -> None:
    """The numbers at its end are those of the tests."""
    text = (Path(__file__).parent / "test_conformance_catches.py").read_text(encoding="utf-8")
    sinks, sources = (len(re.findall(r'^    \(\w+, "', part, re.MULTILINE)) for part in text.split("BROKEN_SOURCES = [")[:2])
    assert (sinks, sources) == (10, 4)
