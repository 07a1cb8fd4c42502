"""Texts with places in them."""

from __future__ import annotations

import pytest

from darner.compiler.source import Position, SourceFile


def test_lines_end_where_editors_end_them() -> None:
    """Line feed, carriage return and both together end a line; the other characters that Python splits at don't."""
    source = SourceFile("a", "one\ntwo\r\nthree\rfour\u2028still four\x85and on")
    assert source.lines == ("one", "two", "three", "four\u2028still four\x85and on")
    assert source.position(source.text.index("still")) == Position(4, 6)


@pytest.mark.parametrize("text", ["", "a", "a\n", "ä😀\nb\r\n\r\nc"])
def test_every_offset_has_a_place_and_every_place_leads_back(text: str) -> None:
    """Offsets and positions are two names for one thing, code points counted, the end of the text included."""
    source = SourceFile("a", text)
    for offset in range(len(text) + 1):
        assert source.offset(source.position(offset)) == offset


def test_a_place_behind_the_text_is_its_end() -> None:
    """A place that is not in the text leads to its end, never to an error."""
    source = SourceFile("a", "one\ntwo")
    assert source.offset(Position(9, 1)) == source.offset(Position(2, 99)) == 7
    assert source.line(9) == ""
    assert str(source.span(4, 7)) == "a:2:1"
