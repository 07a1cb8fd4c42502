"""Places inside a text: from an offset in the value to the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darner.compiler.text.inside import InsideText
from darner.compiler.text.syntax import ScalarNode, descend

from .reading import Reading, parsed, read


def inside(reading: Reading, *path: str | int) -> InsideText:
    """Return the text at a path with its places."""
    assert reading.tree is not None, reading.text
    assert reading.source is not None
    node = descend(reading.tree, path)
    assert isinstance(node, ScalarNode)
    return InsideText(reading.source, node)


def under(reading: Reading, text: InsideText, word: str) -> tuple[str, str]:
    """Return what is written in the file where ``word`` is in the value, and its place."""
    assert reading.source is not None
    start = text.value.index(word)
    span = text.span(start, start + len(word))
    return reading.source.text[reading.source.offset(span.start) : reading.source.offset(span.end)], str(span)


STYLES = {
    "plain": ("p: hello {x} there", "{x}", "{x}", "1:10"),
    "plain on two lines": ("p: hello\n  and {x} there", "{x}", "{x}", "2:7"),
    "single quotes": ("p: 'it''s {x} ''there'''", "{x}", "{x}", "1:11"),
    "single quotes on two lines": ("p: 'it''s\n\n  {x} there'", "{x}", "{x}", "3:3"),
    "double quotes": (r'p: "tab\t and \u00e9 \x41 {x}"', "{x}", "{x}", "1:27"),
    "an escape itself": (r'p: "a\u00e9b"', "é", r"\u00e9", "1:6"),
    "double quotes on two lines": ('p: "one \\\n    two\n\n    {x}"', "{x}", "{x}", "4:5"),
    "a block": ("p: |\n  one\n    two {x}\n", "{x}", "{x}", "3:9"),
    "a block's indentation": ("p: |\n  one\n    two\n", "  two", "  two", "3:3"),
    "a block after empty lines": ("p: |-  # why\n\n\n  one {x}\n", "{x}", "{x}", "4:7"),
    "a block with carriage returns": ("p: |\r\n  one\r\n  {x}\r\n", "{x}", "{x}", "3:3"),
    "a block that names its indentation": ("p: |2\n    one {x}\n", "{x}", "{x}", "2:9"),
    "an anchored block": ("p: &a |\n  one {x}\n", "{x}", "{x}", "2:7"),
    "folded": ("p: >\n  one\n  two {x}\n\n  three\n", "{x}", "{x}", "3:7"),
    "folded after an indented line": ("p: >\n  one\n    two\n  {x}\n", "{x}", "{x}", "4:3"),
}


@pytest.mark.parametrize(("text", "word", "piece", "place"), STYLES.values(), ids=STYLES.keys())
def test_a_word_of_a_text_is_found_in_the_file(text: str, word: str, piece: str, place: str) -> None:
    """In each way of writing text, a word of the value leads to where it is written."""
    reading = parsed(text.encode())
    assert under(reading, inside(reading, "p"), word) == (piece, f"spec.yaml:{place}")


def test_a_line_of_a_text_is_found_in_the_file() -> None:
    """Jinja speaks of lines: line 2 of a prompt is a line of the file, without the indentation."""
    reading = parsed("a:\n  p: |\n    one\n      two {{ x }}\n\n    four\n")
    text = inside(reading, "a", "p")
    assert reading.source is not None
    assert [str(text.line_span(line)) for line in (1, 2, 4)] == ["spec.yaml:3:5", "spec.yaml:4:7", "spec.yaml:6:5"]
    assert text.line_span(2).end.column == 18
    assert text.line_span(9) == text.node.span


def test_a_text_that_came_through_an_alias_is_found_where_it_is_written() -> None:
    """An error inside a prompt is in the prompt, not at the alias that repeats it."""
    reading = parsed("a: &x |\n  one {{ y }}\nb: *x\n")
    assert under(reading, inside(reading, "b"), "{{ y }}")[1] == "spec.yaml:2:7"


WORDS = st.text(st.sampled_from("abé😀 {}'\"\\:#-\t"), min_size=1, max_size=12)


@given(lines=st.lists(WORDS, min_size=1, max_size=6), end=st.sampled_from(["\n", "\r\n"]))
def test_every_character_of_a_block_is_found(lines: list[str], end: str) -> None:
    """For any text in a block, each character but the line ends stands in the file where its place says."""
    first, *rest = lines
    block = ["x" + first, *rest]
    content = f"p: |{end}" + "".join(f"  {line}{end}" for line in block)
    reading = parsed(content.encode())
    text = inside(reading, "p")
    assert text.value == "".join(f"{line}\n" for line in block)
    for offset, letter in enumerate(text.value):
        span = text.span(offset)
        assert reading.source is not None
        found = reading.source.text[reading.source.offset(span.start)]
        assert found == letter or (letter == "\n" and found in "\r\n")


@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff"), min_size=1, max_size=30))
def test_every_character_in_quotes_is_found(value: str) -> None:
    """For any text in double or single quotes, each visible character stands where its place says."""
    for written in ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"', "'" + value.replace("'", "''") + "'"):
        reading = parsed(f"p: {written}".encode())
        if reading.found:
            continue
        text = inside(reading, "p")
        assert text.value == value
        for offset, letter in enumerate(value):
            span = text.span(offset)
            assert reading.source is not None
            found = reading.source.text[reading.source.offset(span.start) : reading.source.offset(span.end)]
            assert found[-1] in {letter, "\\", "'"}


def test_a_bound_file_gives_the_places_inside_its_prompts() -> None:
    """Later stages ask the bound file, by path; where no text is written there is None."""
    reading = read("""\
        darner: 1
        agents:
          a: {prompt: "say {{ x }}", input: str, output: str}
        """)
    assert reading.bound is not None, reading.text
    found = reading.bound.inside("agents", "a", "prompt")
    assert found is not None
    assert str(found.span(4, 11)) == "spec.yaml:3:20"
    assert reading.bound.inside("agents", "a", "limits") is None
    assert reading.bound.inside("agents", "a") is None
