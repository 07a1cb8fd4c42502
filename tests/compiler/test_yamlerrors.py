"""What people get wrong in YAML, and what they are told."""

from __future__ import annotations

import pytest

from .reading import parsed

MISTAKES = {
    "a colon in a text": ("ask: Answer: in one word\n", ": in", "a ':' is not allowed here", "quote a value that has ': ' in it"),
    "no space after the colon": ("darner:1\nname: x\n", ": x", "a ':' is not allowed here", "quote"),
    "an indentation too deep": ("a:\n x: 1\n  y: 2\n", ": 2", "a ':' is not allowed here", "compare the indentation"),
    "an indentation too shallow": ("a:\n    x: 1\n  y: 2\n", "y", "doesn't fit what stands before it", "indent it like its neighbours"),
    "no colon": ("a: 1\nname b\nc: 2\n", "name", "a ':' is missing after this", "a key is followed by ': '"),
    "a block that ends too early": ("a: |\n  one\ntwo\n", "two", "a ':' is missing after this", "by |"),
    "an open quote": ('a: "one\nb: two\n', '"one', "this quote is never closed", "close it"),
    "a quote inside quotes": ("a: 'it's'\n", "s'", "doesn't fit what stands before it", "doubled or escaped"),
    "an open brace at the end": ("a: {b: 1\n", "{", "this is never closed with }", "close it"),
    "an open brace in the middle": ("s:\n  a: {b: {c: 1}\n  d: {e: 1}\n", "d", "a ',' or a '}' is expected here", "comma missing"),
    "a brace too many": ("a: {b: {c: 1}}}\n", "}\n", "'}' has no beginning", "remove it"),
    "a parameter in braces": ("a: {url: ${params.x}}\n", "{params", "a ',' or a '}' is expected here", 'quote the text: "${params.x}"'),
    "a percentage that begins with its sign": ("a: %5\n", "%5", "a value can't begin with %", "quote the value"),
    "a name with an at": ("a: @home\n", "@home", "a value can't begin with @", "quote the value"),
    "a Windows path in double quotes": ('a: "C:\\qdir"\n', "q", "\\q is no escape", "double the backslash"),
    "a list beside its key": ("a: - b\n", "- b", "a list can't begin here", "below its key"),
}


@pytest.mark.parametrize(("content", "at", "message", "help_"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_said_where_a_person_looks_for_it(content: str, at: str, message: str, help_: str) -> None:
    """The place is the one to change, not the one where the parser gave up; the words are not the parser's."""
    reading = parsed(content)
    assert reading.codes == ["E105"], reading.text
    (one,) = reading.found
    assert reading.source is not None
    assert reading.source.text[reading.source.offset(one.span.start) :].startswith(at), reading.text
    assert message in one.message
    assert help_ in str(one.help)
    assert "<" not in one.message


def test_an_open_bracket_is_shown_beside_what_it_ran_into() -> None:
    """The second place is where the bracket was opened."""
    (one,) = parsed("s:\n  a: {b: {c: 1}\n  d: {e: 1}\n").found
    assert [str(label) for label in (one.span, one.labels[0].span)] == ["spec.yaml:3:3", "spec.yaml:2:6"]


def test_a_template_without_quotes_is_one_finding_with_its_quotes() -> None:
    """Two braces are YAML's mapping of a mapping; nobody means that."""
    (one,) = parsed("prompt: {{ city }}\n").found
    assert one.help == 'a template is quoted: "{{ city }}"'
