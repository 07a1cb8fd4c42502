"""References and parameters inside a spec's values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darner.compiler.wires import Ref, is_reference, parameters, parse_reference, references, substitute, unescape

NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@given(root=NAME, path=st.lists(st.one_of(NAME, st.integers(0, 999)), max_size=4))
def test_a_reference_is_written_and_read_again(root: str, path: list[str | int]) -> None:
    """Text and reference are two forms of one thing."""
    ref = Ref(root, tuple(path))
    assert parse_reference(str(ref)) == ref
    assert is_reference(str(ref))


@pytest.mark.parametrize("text", ["$", "$1", "$a.", "$a..b", "$a[0]", "$a b", "$a.b-c", " $a", "$a\n", "$a.1x", "a", "$é", "$a.²"])
def test_what_is_not_well_formed_is_no_reference(text: str) -> None:
    """There are no expressions: a root, then fields and indexes, and nothing else."""
    assert parse_reference(text) is None


@pytest.mark.parametrize(
    ("text", "is_one"), [("$a", True), ("$1", True), ("$$a", False), ("${params.x}", False), ("a$b", False), (3, False)]
)
def test_a_leading_dollar_means_a_reference(text: object, is_one: bool) -> None:
    """What begins with one dollar is meant as a reference, well formed or not; two dollars escape it."""
    assert is_reference(text) is is_one


def test_references_are_found_anywhere_in_a_value() -> None:
    """In mappings and lists, in the order of writing; escaped and malformed ones are none."""
    value = {"a": "$x.y", "b": ["$z.0", {"c": "$$w"}], "d": "$1", "e": "see $q"}
    assert [str(ref) for ref in references(value)] == ["$x.y", "$z.0"]


def test_parameters_are_put_into_texts_and_nowhere_else() -> None:
    """Inside text only, several times, keys untouched; an unknown one is named."""
    assert parameters("a ${params.x}/${params.y}") == ("x", "y")
    value = {"u": "${params.x}/t", "l": ["${params.n}${params.n}", 3, None], "${params.x}": True}
    assert substitute(value, {"x": "a", "n": 7}) == {"u": "a/t", "l": ["77", 3, None], "${params.x}": True}
    with pytest.raises(KeyError, match="z"):
        substitute("${params.z}", {})


def test_an_escaped_dollar_is_one_dollar() -> None:
    """Only the first two dollars of a text are an escape."""
    assert [unescape(text) for text in ("$$a", "$$$a", "a$$b", 3)] == ["$a", "$$a", "a$$b", 3]
