"""Findings as people and machines read them."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darner.compiler.diagnostics import Diagnostic, Findings, Label, closest, did_you_mean
from darner.compiler.source import Position, SourceFile, Span
from darner.compiler.telling.paint import COLOUR, PLAIN
from darner.compiler.telling.render import as_github, as_json, as_text
from darner.compiler.telling.snippet import WIDTH, snippet

HOUSE = SourceFile(
    "example.yaml",
    "\n" * 11
    + "policy:        {max_memory: 16Gi}\n"
    + "\n" * 20
    + "  sandbox: {cpu: 1, memory: 1Gi, on_oom: [{memory: 2Gi}, {memory: 32Gi}]}\n",
)


def of(source: SourceFile, piece: str, message: str = "wrong", **more: object) -> Diagnostic:
    """Return a finding about the first place where ``piece`` is written."""
    start = source.text.index(piece)
    return Diagnostic("E501", message, source.span(start, start + len(piece)), **more)  # type: ignore[arg-type]


def test_a_finding_looks_as_the_house_draws_it() -> None:
    """Place, code, message; the line in its gutter with carets under exactly what is meant; notes and help."""
    one = of(HOUSE, "32Gi", "32Gi is over policy.max_memory 16Gi", notes=("policy: example.yaml:12:15",), help="ask for less")
    assert as_text([one], {HOUSE.path: HOUSE}) == (
        "example.yaml:33:67: error[E501]: 32Gi is over policy.max_memory 16Gi\n"
        "   |\n"
        "33 |   sandbox: {cpu: 1, memory: 1Gi, on_oom: [{memory: 2Gi}, {memory: 32Gi}]}\n"
        "   |                                                                   ^^^^\n"
        "   = note: policy: example.yaml:12:15\n"
        "   = help: ask for less\n"
    )


def test_another_place_that_matters_is_shown_as_well() -> None:
    """A label is a snippet of its own, in whichever file it stands, with its words beside the marks."""
    lib = SourceFile("lib.yaml", "tools: {a: 1}\n")
    start = HOUSE.text.index("16Gi")
    labels = (Label(HOUSE.span(start, start + 4), "the policy"), Label(lib.span(8, 9), "another one"))
    text = as_text([of(HOUSE, "32Gi", labels=labels)], {one.path: one for one in (HOUSE, lib)})
    assert text.splitlines()[4:] == [
        "  ::: example.yaml:12:29",
        "   |",
        "12 | policy:        {max_memory: 16Gi}",
        "   |                             ---- the policy",
        "  ::: lib.yaml:1:9",
        "   |",
        " 1 | tools: {a: 1}",
        "   |         - another one",
    ]


def test_a_finding_in_a_file_that_is_no_text_has_no_snippet() -> None:
    """Without the text there is still the place, the message and the help."""
    one = Diagnostic("E102", "not UTF-8", Span("a.bin", Position(1, 1), Position(1, 1)), help="save it as UTF-8")
    assert as_text([one], {}) == "a.bin:1:1: error[E102]: not UTF-8\n  = help: save it as UTF-8\n"


def test_at_most_twenty_are_shown_and_the_rest_is_counted() -> None:
    """The twenty-first finding is only counted; machines get all of them."""
    many = [Diagnostic("E1", f"n{n}", Span("a", Position(n + 1, 1), Position(n + 1, 2))) for n in range(23)]
    text = as_text(many, {})
    assert "n19" in text
    assert "n20" not in text
    assert text.endswith("\nand 3 more\n")
    assert "more" not in as_text(many[:20], {})
    assert len(json.loads(as_json(many))) == 23
    assert len(as_github(many).splitlines()) == 23


@pytest.mark.parametrize(
    ("line", "piece", "shown", "marks"),
    [
        ("a: 日本語 x", "x", "a: 日本語 x", " " * 10 + "^"),
        ("a: 日本語 x", "本", "a: 日本語 x", " " * 5 + "^^"),
        ("a: e\u0301e\u0301 x", "x", "a: e\u0301e\u0301 x", " " * 6 + "^"),
        ("a:\tb\tx", "x", "a:    b    x", " " * 11 + "^"),
        ("a: \x1b[31mred", "red", "a: \N{REPLACEMENT CHARACTER}[31mred", " " * 8 + "^^^"),
        ("a: x\u202ey", "y", "a: x\N{REPLACEMENT CHARACTER}y", " " * 5 + "^"),
    ],
)
def test_carets_stand_under_what_a_terminal_shows(line: str, piece: str, shown: str, marks: str) -> None:
    """Wide characters take two columns, combining ones none, tabs four; what could steer a terminal is made visible."""
    source = SourceFile("a", line)
    start = line.index(piece)
    assert snippet(source, source.span(start, start + len(piece)), "^") == (shown, marks)


def test_of_a_very_long_line_the_part_around_the_carets_is_shown() -> None:
    """A line of a megabyte is cut on both sides, and the carets stay under what they mean."""
    source = SourceFile("a", "x" * 500_000 + "HERE" + "y" * 500_000)
    line, marks = snippet(source, source.span(500_000, 500_004), "^")
    assert len(line) <= WIDTH + 2
    assert line[0] == line[-1] == "…"
    assert line[marks.index("^") :].startswith("HERE")
    assert marks.count("^") == 4


def test_a_very_long_piece_is_marked_as_far_as_it_is_shown() -> None:
    """Marks never run on beyond the line that they mark."""
    source = SourceFile("a", "x" * 1000)
    line, marks = snippet(source, source.span(0, 1000), "^")
    assert len(marks) <= len(line) <= WIDTH + 2


def test_a_piece_on_several_lines_is_marked_to_its_first_lines_end() -> None:
    """The first line is marked to its end, and the last line is named."""
    source = SourceFile("a", "a: {b: 1,\n  c: 2,\n  d: 3}\n")
    assert snippet(source, source.span(3, 25), "^") == ("a: {b: 1,", "   ^^^^^^ … to line 3")


@pytest.mark.parametrize("column", [1, 4, 99])
def test_a_place_without_width_gets_one_caret(column: int) -> None:
    """The end of a line, or of a file, can be pointed at."""
    source = SourceFile("a", "abc")
    _, marks = snippet(source, Span("a", Position(1, column), Position(1, column)), "^")
    assert marks == " " * min(column - 1, 3) + "^"


def test_a_message_cannot_steer_the_terminal_or_break_the_form() -> None:
    """What comes from a file into a message loses its control characters and its line ends."""
    one = Diagnostic("E1", "a\x1b[2Jb\nc", Span("p\x07", Position(1, 1), Position(1, 2)), help="d\re", notes=("f\tg",))
    text = as_text([one], {})
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.splitlines()) == 3


def test_colours_change_nothing_but_colours() -> None:
    """With the colours taken out again, the text is the same."""
    one = of(HOUSE, "32Gi", notes=("n",), help="h", labels=(Label(HOUSE.span(11, 17), "there"),))
    plain, coloured = (as_text([one], {HOUSE.path: HOUSE}, paint=paint) for paint in (PLAIN, COLOUR))
    assert "\x1b[1;31m" in coloured
    for code in ("1;31", "1;34", "34", "1", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


def test_json_has_every_part_of_a_finding() -> None:
    """Lines and columns from 1, ends exclusive; absent help is null."""
    label = Label(Span("b", Position(3, 1), Position(3, 4)), "there")
    one = Diagnostic("E108", "twice", Span("a", Position(1, 2), Position(1, 5)), labels=(label,), notes=("n",))
    assert json.loads(as_json([one])) == [
        {
            "code": "E108", "severity": "error", "message": "twice", "help": None, "notes": ["n"],
            "file": "a", "line": 1, "column": 2, "end_line": 1, "end_column": 5,
            "labels": [{"message": "there", "file": "b", "line": 3, "column": 1, "end_line": 3, "end_column": 4}],
        }
    ]  # fmt: skip
    assert json.loads(as_json([])) == []


def test_github_gets_one_annotation_a_finding_with_everything_escaped() -> None:
    """Percent signs and line ends are escaped in the text, colons and commas in the properties too."""
    label = Label(Span("b", Position(3, 1), Position(3, 4)), "there")
    one = Diagnostic("E1", "50% of\nit", Span("a,b:c.yaml", Position(1, 2), Position(1, 5)), labels=(label,), help="mend it")
    assert as_github([one]) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=2,endColumn=4,title=E1::50%25 of%0Ait%0Ab:3:1: there%0Ahelp: mend it\n"
    )


def test_findings_are_sorted_without_repeats_and_without_warnings_on_top_of_errors() -> None:
    """By file, place and code; a warning is shown only where there is no error."""
    late, early = (Span("a", Position(line, 1), Position(line, 2)) for line in (9, 2))
    findings = Findings()
    findings.found.append(Diagnostic("W1", "careful", early, severity="warning"))
    assert [one.code for one in findings.ordered()] == ["W1"]
    findings.error("E2", "late", late)
    findings.error("E1", "early", early)
    findings.error("E2", "late", late)
    assert [one.code for one in findings.ordered()] == ["E1", "E2"]


def test_a_close_word_is_suggested_and_a_few_are_listed() -> None:
    """A misspelling is corrected; without a close word a short list is shown whole, a long one not at all."""
    assert did_you_mean("serach", ["search", "reviews"]) == "did you mean 'search'?"
    assert did_you_mean("xyz", ["b", "a"]) == "known here: a, b"
    assert did_you_mean("xyz", [f"name{n}" for n in range(50)]) is None
    assert did_you_mean("xyz", []) is None
    assert closest("xyz", ["b", "a"]) is None


@given(text=st.text(max_size=60), start=st.integers(0, 60), length=st.integers(0, 60))
def test_any_piece_of_any_text_can_be_shown(text: str, start: int, length: int) -> None:
    """Whatever a file holds, a finding in it is lines of printable text."""
    source = SourceFile("a", text)
    begin = min(start, len(text))
    one = Diagnostic("E1", text, source.span(begin, min(begin + length, len(text))))
    shown = as_text([one], {"a": source})
    assert all(letter == "\n" or not unicodedata.category(letter).startswith("C") for letter in shown)
    assert "^" in shown.splitlines()[3]
    assert len(shown.splitlines()) == 4
