"""Text into a tree with places, and every way of being unreadable."""

from __future__ import annotations

import time

import pytest

from darner.compiler.diagnostics import ENOUGH
from darner.compiler.source import Span
from darner.compiler.text.compose import MAX_DEPTH
from darner.compiler.text.parse import MAX_BYTES
from darner.compiler.text.syntax import MappingNode, ScalarNode, SequenceNode, SyntaxNode, descend, walk

from .reading import Reading, parsed

# ── what can't be read ───────────────────────────────────────────────────────────────────────────────────────────────

UNREADABLE = {
    "a broken line": (b"darner: 1\nname: a: b\n", "E105", "2:8"),
    "an open bracket": (b"darner: 1\na: [1, 2\n", "E105", "2:4"),
    "an open quote": (b'darner: 1\na: "abc\n', "E105", "2:4"),
    "an indentation that fits nothing": (b"a:\n    b: 1\n  c: 2\n", "E105", "3:3"),
    "a reserved sign": (b"a: @b\n", "E105", "1:4"),
    "a text with a wrong escape": (b'a: "\\q"\n', "E105", "1:6"),
    "nothing at all": (b"", "E104", "1:1"),
    "only white space": (b"\n  \n\n", "E104", "1:1"),
    "only comments": (b"# nothing\n# here\n", "E104", "1:1"),
    "only a start": (b"---\n", "E104", "1:1"),
    "a list": (b"- a\n- b\n", "E201", "1:1"),
    "one word": (b"\nhello\n", "E201", "2:1"),
    "bytes": (b"\x89PNG\r\n\x1a\n\x00\x00", "E102", "1:1"),
    "a zero": (b"darner: 1\nname: a\x00b\n", "E103", "2:8"),
    "a bell": (b"darner: 1\nname: a\x07b\n", "E103", "2:8"),
    "latin-1": ("darner: 1\nname: ä\n".encode("latin-1"), "E102", "2:7"),
    "UTF-16": ("darner: 1\n".encode("utf-16"), "E102", "1:1"),
    "a tab": (b"a:\n\tb: 1\n", "E106", "2:1"),
    "a tab in a list": (b"a:\n  - b\n\t- c\n", "E106", "3:1"),
    "two documents": (b"darner: 1\n---\ndarner: 1\n", "E107", "2:1"),
    "an old directive": (b"%YAML 1.1\n---\na: 1\n", "E117", "1:1"),
    "a tag directive": (b"%TAG ! !foo\n---\na: 1\n", "E117", "1:1"),
    "a key twice": (b"a: 1\nb: 2\na: 3\n", "E108", "3:1"),
    "a key twice in braces": (b"a: {b: 1, b: 2}\n", "E108", "1:11"),
    "a number as key": (b"1: a\n", "E109", "1:1"),
    "true as key": (b"a: {true: b}\n", "E109", "1:5"),
    "null as key": (b"{null: b}\n", "E109", "1:2"),
    "nothing as key": (b"?\n: b\n", "E109", "1:2"),
    "a list as key": (b"? [a, b]\n: c\n", "E109", "1:3"),
    "a template without quotes": (b"a: {{ city }}\n", "E109", "1:5"),
    "a tag after an anchor": (b"a: &x !y b\n", "E111", "1:7"),
    "a merge key": (b"a: &a {x: 1}\nb: {<<: *a, y: 2}\n", "E110", "2:5"),
    "a tag on text": (b"a: !include x.yaml\n", "E111", "1:4"),
    "a tag on a mapping": (b"a: !!map {b: 1}\n", "E111", "1:4"),
    "a tag that runs code": (b"a: !!python/object/apply:os.system [id]\n", "E111", "1:4"),
    "the tag of nothing": (b"a: ! b\n", "E111", "1:4"),
    "an alias of nothing": (b"a: *b\n", "E112", "1:4"),
    "an alias of itself": (b"a: &a [1, *a]\n", "E112", "1:11"),
    "an anchor twice": (b"a: &x 1\nb: &x 2\n", "E119", "2:4"),
    "a key without a value": (b"a: 1\nb:\nc: 2\n", "E115", "2:1"),
    "an entry without a value": (b"a:\n  - 1\n  -\n", "E115", "3:4"),
    "an infinity": (b"a: .inf\n", "E116", "1:4"),
    "a huge number": (b"a: 123456789012345678901234567890\n", "E116", "1:4"),
    "half a character": (b'a: "x\\ud83d"\n', "E118", "1:4"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "code", "place"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_said_once_at_its_place_with_help(content: bytes, code: str, place: str) -> None:
    """Each broken text gives exactly one finding: its code, its place, and what to do."""
    reading = parsed(content)
    assert reading.places == [f"{code} {place}"], reading.text
    assert reading.found[0].help


def test_a_file_of_fifty_megabytes_is_refused_at_once() -> None:
    """The size is looked at before anything else, so that a data file given by mistake costs nothing."""
    began = time.monotonic()
    reading = parsed(b"a: 1\n" * 10_000_000)
    assert reading.codes == ["E101"]
    assert time.monotonic() - began < 5


def test_a_file_just_under_the_limit_is_read() -> None:
    """The limit is where it is said to be."""
    assert parsed(b"a: " + b"x" * (MAX_BYTES - 3)).found == ()
    assert parsed(b"a: " + b"x" * (MAX_BYTES - 2)).codes == ["E101"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_deeply_nested_file_is_refused_without_recursion(opening: str) -> None:
    """Fifty thousand levels are a finding: the reader counts its depth, it doesn't use the stack for it."""
    reading = parsed("a:\n  " + opening * 50_000)
    assert reading.codes == ["E114"], reading.text


def test_nesting_is_allowed_up_to_the_limit() -> None:
    """The limit is where it is said to be: the mapping of the file is its first level."""
    assert parsed("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)).found == ()
    assert parsed("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH).codes == ["E114"]


def test_an_alias_bomb_is_refused_at_once() -> None:
    """Ten lines that stand for a billion values are refused before they are built."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    began = time.monotonic()
    reading = parsed("\n".join(lines))
    assert reading.codes == ["E113"]
    assert time.monotonic() - began < 10


def test_aliases_of_aliases_cannot_nest_more_deeply_than_brackets() -> None:
    """A tower of aliases counts its whole depth, also where no line of the file is deep."""
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    assert parsed("\n".join(lines)).codes == ["E114"]


def test_everything_that_does_not_stop_the_reader_is_said_at_once() -> None:
    """Duplicate keys, tags, merge keys and empty values are found together."""
    reading = parsed("""
        a: !x 1
        b:
        c: {<<: {d: 1}, 2: x}
        a: 3
        """)
    assert reading.codes == ["E111", "E115", "E110", "E109", "E108"]


@pytest.mark.parametrize("line", ["a: 1\n", "a:\n", "k: {{ x }}\n", "- \n", "1: a\n", "k%d: *x\n"])
def test_a_file_that_is_wrong_throughout_is_given_up(line: str) -> None:
    """After some hundred findings the reader stops: they would take long, and nobody reads them."""
    content = "".join(line % n if "%d" in line else line for n in range(5_000))
    reading = parsed(content)
    assert 100 <= len(reading.found) <= 2 * ENOUGH


def test_both_places_of_a_duplicate_key_are_shown() -> None:
    """The finding is at the second key, its label at the first."""
    (one,) = parsed("tools:\n  search: 1\n  find: 2\n  search: 3\n").found
    assert (one.span.start.line, one.labels[0].span.start.line) == (4, 2)


# ── what can be read ─────────────────────────────────────────────────────────────────────────────────────────────────


def at(reading: Reading, *path: str | int) -> SyntaxNode:
    """Return the node at a path."""
    assert reading.tree is not None, reading.text
    node = descend(reading.tree, path)
    assert node is not None
    return node


def written(reading: Reading, span: Span) -> str:
    """Return the text of a span."""
    assert reading.source is not None
    return reading.source.text[reading.source.offset(span.start) : reading.source.offset(span.end)]


def test_every_key_and_value_knows_where_it_stands() -> None:
    """Scalars, keys, lists and mappings of both styles have the span of exactly what is written."""
    reading = parsed(
        "one: {two: [3, 'four'], five: six seven }\nblock:\n  key: value   # a comment\n  list:\n    - a\n    - b: c\n\n# the end\n"
    )
    assert written(reading, at(reading, "one").span) == "{two: [3, 'four'], five: six seven }"
    assert written(reading, at(reading, "one", "two").span) == "[3, 'four']"
    assert written(reading, at(reading, "one", "two", 1).span) == "'four'"
    assert written(reading, at(reading, "one", "five").span) == "six seven"
    assert written(reading, at(reading, "block").span) == "key: value   # a comment\n  list:\n    - a\n    - b: c"
    assert written(reading, at(reading, "block", "list", 1).span) == "b: c"
    mapping = at(reading, "block")
    assert isinstance(mapping, MappingNode)
    assert [written(reading, entry.key) for entry in mapping.entries] == ["key", "list"]


def test_columns_count_characters_and_a_byte_order_mark_is_none() -> None:
    """Neither wide nor astral characters nor a byte order mark shift a place."""
    reading = parsed("\ufeffdarner: 1\n日本: 😀 y\nb: {é: x}\n".encode())
    assert reading.found == ()
    assert str(at(reading, "darner").span) == "spec.yaml:1:9"
    assert written(reading, at(reading, "b", "é").span) == "x"
    assert at(reading, "b", "é").span.start.column == 8


def test_windows_line_ends_change_nothing() -> None:
    """A file with carriage returns has the values and places of the same file without."""
    text = "a: 1\nb:\n  - |\n    one\n    two\n  - x\n"
    unix, windows = parsed(text), parsed(text.replace("\n", "\r\n").encode())
    assert unix.value == windows.value
    assert [node.span for node in walk(at(unix))] == [node.span for node in walk(at(windows))]


def test_a_block_stands_where_its_text_begins_not_at_the_bar() -> None:
    """The parser's mark of a block scalar is at the bar; a reader looks for the text."""
    reading = parsed("a: |\n\n  one\n   two\n\nb: >-  # folded\n  three\n  four\n")
    assert written(reading, at(reading, "a").span) == "one\n   two"
    assert written(reading, at(reading, "b").span) == "three\n  four"


def test_an_alias_stands_where_it_is_written_and_knows_its_origin() -> None:
    """What comes through an alias reports the alias's own place; the anchor's is kept beside it."""
    reading = parsed("a: &x {k: [1, 2]}\nb: *x\n")
    assert reading.value == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}}
    for path in (("b",), ("b", "k"), ("b", "k", 1)):
        assert str(at(reading, *path).span) == "spec.yaml:2:4"
    node = at(reading, "b", "k", 1)
    assert isinstance(node, ScalarNode)
    assert node.origin is not None
    assert str(node.origin) == "spec.yaml:1:15"


def test_an_anchor_is_not_part_of_the_value() -> None:
    """The span of an anchored value is the value's, not the anchor's."""
    reading = parsed("a: &x  one\nb: &y |\n  two\nc: &z\n  - d\ne: &w {f: g}\n")
    assert [written(reading, at(reading, name).span) for name in "abce"] == ["one", "two", "- d", "{f: g}"]
    assert isinstance(at(reading, "c"), SequenceNode)


def test_quotes_make_text_of_anything() -> None:
    """What is quoted is text, whatever it would mean plain."""
    assert parsed("""{a: "1", b: 'true', c: "", d: '~', "<<": x, e: "null"}""").value == {
        "a": "1", "b": "true", "c": "", "d": "~", "<<": "x", "e": "null",
    }  # fmt: skip


def test_null_may_be_written() -> None:
    """Only an accidental null is refused."""
    assert parsed("{a: null, b: ~}").value == {"a": None, "b": None}


def test_document_marks_and_the_right_directive_may_be_written() -> None:
    """One document may begin and end explicitly, and say that it is YAML 1.2."""
    assert parsed("%YAML 1.2\n---\na: 1\n...\n").value == {"a": 1}
