"""The docs are in step with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from . import reference, tree

PAGES = sorted([*tree.ROOT.glob("*.md"), *(tree.ROOT / "docs").rglob("*.md"), *(tree.ROOT / "specs").rglob("*.md")])


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_a_reference_page_says_what_the_code_does(name: str, request: pytest.FixtureRequest) -> None:
    """Each page is what the code gives; `make docs` writes them again."""
    text = reference.pages()[name]
    if request.config.getoption("--update-golden"):
        reference.FOLDER.joinpath(name).write_text(text, encoding="utf-8")
    assert reference.FOLDER.joinpath(name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(tree.ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
