"""The table of codes, and the compiler that uses it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from darner.compiler.codes import CODES

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[EW]\d{3}")


def used() -> set[str]:
    """Return every code that the compiler writes: the texts in its source that are a code and nothing else."""
    files = [path for path in (ROOT / "compiler").rglob("*.py") if "codes" not in path.parts]
    texts = (node.value for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and CODE.fullmatch(text)}


def exercised() -> set[str]:
    """Return every code that a golden's findings or a test names."""
    texts = [path.read_text() for path in (ROOT / "tests" / "golden").rglob("errors.txt")]
    texts += [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    return {code for text in texts for code in CODE.findall(text)}


def test_every_code_that_the_compiler_uses_is_explained() -> None:
    """`darner explain` knows whatever a finding says."""
    assert used() - set(CODES) == set()


def test_every_code_that_is_explained_is_used() -> None:
    """The table holds nothing that can't happen."""
    assert set(CODES) - used() == set()


def test_no_code_is_explained_twice() -> None:
    """Each code stands in one table only: a second meaning would hide the first."""
    texts = [path.read_text() for path in (ROOT / "compiler" / "codes").glob("*.py")]
    codes = re.findall(r'^ +"(E\d{3})": Code\(', "\n".join(texts), re.MULTILINE)
    assert sorted(codes) == sorted(CODES)


def test_every_code_is_exercised_by_a_golden_or_a_test() -> None:
    """No finding was never seen."""
    assert set(CODES) - exercised() == set()


@pytest.mark.parametrize("code", sorted(CODES))
def test_an_explanation_says_enough(code: str) -> None:
    """A title without a full stop, a paragraph of whole sentences, an example."""
    one = CODES[code]
    assert one.title
    assert not one.title.endswith(".")
    assert len(one.title) <= 60
    assert len(one.explanation) >= 40
    assert one.explanation.endswith(".")
    assert "\n" not in one.explanation
    assert one.example.strip() == one.example != ""
