"""The first spec that anybody runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.runtime.failures import Refused
from darner.runtime.project.load import compile_spec
from darner.runtime.project.settings import find_target

HELLO = Path(__file__).resolve().parents[2] / "specs" / "hello"


def test_its_target_says_where_the_model_is() -> None:
    """The place stands in darner.toml; the spec knows nothing of it."""
    target = find_target(HELLO, "scripted", {})
    assert target.models["small"].script == "script.yaml"
    assert target.options == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[target.t.models]\nsmall = 3\n", "target.t.models.small"),
        ("[target.t]\nmodels = 3\n", "target.t.models must be a section"),
        ("[target.t.models.small]\nscritp = 'x'\n", r"target.t.models.small.scritp: Extra inputs"),
        ("[target.t.models.small]\nscript = 'x'\nbase_url = 'y'\n", "either a script, or use or base_url"),
        ("[target.t.models.small]\n", "either a script, or use or base_url"),
    ],
)
def test_a_wrong_place_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """A typing error must not send a test to the real provider."""
    (tmp_path / "darner.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=words):
        find_target(tmp_path, "t", {})


def test_it_compiles_without_a_finding() -> None:
    """As it stands."""
    assert compile_spec(HELLO).plan.plan == "hello"
