"""Rooms stay small enough to be seen whole."""

from __future__ import annotations

import ast
import statistics

from . import tree

FILE_LINES = 500
FUNCTION_LINES = 60


def test_no_file_is_longer_than_500_lines() -> None:
    """A longer file is two rooms."""
    long = {
        name: lines
        for name, (path, _) in tree.files().items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_functions_are_short() -> None:
    """Median at most 10 lines, the 90th percentile at most 35, none over 60."""
    lengths = sorted(lines for _, lines in tree.functions())
    assert [place for place, lines in tree.functions() if lines > FUNCTION_LINES] == []
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 35


def test_every_file_says_in_its_first_line_what_it_is() -> None:
    """The first line of a file's docstring is a sentence about the room."""
    silent = [
        name for name, (_, parsed) in tree.files().items() if not (ast.get_docstring(parsed) or "").split("\n")[0].endswith((".", ":"))
    ]
    assert silent == []
