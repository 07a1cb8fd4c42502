"""CSV and JSONL files as a source: what is broken in them is told, and nothing is lost for it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from darner.connectors import registry
from darner.connectors.errors import ConnectorError
from darner.connectors.files import delimited
from darner.connectors.ports import BROKEN, RAW
from darner.connectors.rows import to_rows


def read(folder: Path, name: str, content: bytes, **options: Any) -> list[dict[str, Any]]:
    """Write a file and return all rows read from it, each with its number."""
    (folder / name).write_bytes(content)
    source = registry.source("files", with_={"url": name, **options}, base=folder)
    found = []
    for part in source.ranges():
        for place, batch in source.read(part):
            found += [{"row": place.row + offset, **row} for offset, row in enumerate(to_rows(batch))]
    return found


def broken(rows: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    """Return number, reason and text of the broken rows."""
    return [(row["row"], row[BROKEN], row[RAW]) for row in rows if row.get(BROKEN) is not None]


def test_csv_cells_stay_text(tmp_path: Path) -> None:
    """An article number keeps its zeros; an empty cell is null, an empty text in quotes is a text."""
    rows = read(tmp_path, "a.csv", b'\xef\xbb\xbfsku,price,note\n00123,1e5,\n007,NaN,""\n')
    assert rows == [
        {"row": 1, "sku": "00123", "price": "1e5", "note": None},
        {"row": 2, "sku": "007", "price": "NaN", "note": ""},
    ]


def test_csv_rows_with_a_wrong_number_of_cells_keep_their_place(tmp_path: Path) -> None:
    """Too few and too many cells, first and last row included; quoted line ends and empty lines don't disturb the count."""
    content = b'a,b\nonly\n1,"two\nlines"\n\n2,x,y\n3,z\nlast\n'
    rows = read(tmp_path, "a.csv", content)
    assert broken(rows) == [
        (1, "1 cells where 2 are expected", "only"),
        (3, "3 cells where 2 are expected", "2,x,y"),
        (5, "1 cells where 2 are expected", "last"),
    ]
    assert [(row["row"], row["a"], row["b"]) for row in rows if row[BROKEN] is None] == [(2, "1", "two\nlines"), (4, "3", "z")]


def test_csv_broken_rows_keep_their_place_across_blocks(tmp_path: Path) -> None:
    """In a file of many blocks every number is right: row n says n, or is the broken row that we know to be there."""
    size = 3 * delimited.BLOCK
    lines = [b"n,text\n"]
    count = size // 60
    lines += [b"broken,row,here\n" if number % 1009 == 0 else b'%d,"%s"\n' % (number, b"x" * 50) for number in range(1, count + 1)]
    rows = read(tmp_path, "a.csv", b"".join(lines))
    assert len(rows) == count
    assert [row["row"] for row in rows] == list(range(1, count + 1))
    assert [row["row"] for row in rows if row.get(BROKEN)] == list(range(1009, count + 1, 1009))
    assert all(row["n"] == str(row["row"]) for row in rows if not row.get(BROKEN))


def test_csv_a_file_of_nothing_but_broken_rows_is_read(tmp_path: Path) -> None:
    """Rows before the first good one, and after the last, are told too."""
    assert [row["row"] for row in read(tmp_path, "a.csv", b"a,b\nx\ny\nz\n")] == [1, 2, 3]


def test_csv_text_that_is_no_utf8_breaks_only_its_row(tmp_path: Path) -> None:
    """The bytes are shown, and the rows around are good."""
    rows = read(tmp_path, "a.csv", b"a,b\ngood,1\n\xff\xfe,2\nfine,3\n")
    assert broken(rows) == [(2, "a is no UTF-8 text", "\\xff\\xfe,2")]
    assert [row["a"] for row in rows] == ["good", None, "fine"]


def test_csv_a_quote_that_is_never_closed_does_not_swallow_rows_in_silence(tmp_path: Path) -> None:
    """Arrow would give the rest of the file as one cell; it is a broken row that says why."""
    rows = read(tmp_path, "a.csv", b'a,b\n1,2\n3,"4\n5,6\n7,8\n')
    assert [(row["row"], row["a"]) for row in rows] == [(1, "1"), (2, None)]
    assert rows[1][BROKEN] == "a quote is opened in this row and never closed"
    assert rows[1][RAW].startswith("3,4\n5,6")


def test_csv_a_last_cell_with_line_ends_is_good(tmp_path: Path) -> None:
    """The check for open quotes doesn't take a well closed cell for one."""
    assert read(tmp_path, "a.csv", b'a,b\n1,"x\ny"\n') == [{"row": 1, "a": "1", "b": "x\ny"}]
    assert read(tmp_path, "a.csv", b'a,b\n1,"x\ny"') == [{"row": 1, "a": "1", "b": "x\ny"}]


def test_csv_an_open_quote_in_a_large_file_is_an_error_that_says_where(tmp_path: Path) -> None:
    """A row longer than a block can't be read on; the message tells after which row."""
    content = b'a,b\n1,2\n3,"4\n' + b"5,6\n" * (3 * delimited.BLOCK // 4)
    with pytest.raises(ConnectorError, match=r"a\.csv has a row after row \d+ that is longer than 4 MiB") as caught:
        read(tmp_path, "a.csv", content)
    assert "quote" in str(caught.value.help)


@pytest.mark.parametrize("content", [b"a,b\n", b"a,b", b"a,b\r\n\r\n"])
def test_csv_a_header_alone_is_no_row(tmp_path: Path, content: bytes) -> None:
    """With or without a line end."""
    assert read(tmp_path, "a.csv", content) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,a\n1,2\n", "names 'a' twice"),
        (b"a,\n1,2\n", "has a column without a readable name"),
        (b"a\xff,b\n1,2\n", "has a column without a readable name"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16 text"),
    ],
)
def test_csv_a_header_that_names_nothing_is_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    """The message names the file."""
    with pytest.raises(ConnectorError, match=rf"a\.csv {said}"):
        read(tmp_path, "a.csv", content)


def test_csv_other_delimiters_and_formats_can_be_said(tmp_path: Path) -> None:
    """`delimiter` and `format` stand in the dataset's ``with``."""
    assert read(tmp_path, "a.txt", b"a;b\n1;2,5\n", delimiter=";", format="csv") == [{"row": 1, "a": "1", "b": "2,5"}]


def test_jsonl_values_keep_their_types_whatever_stands_beside_them(tmp_path: Path) -> None:
    """No value is turned into another's type, objects keep exactly their keys, dates stay texts."""
    lines = [
        b'{"n": 1, "d": "2026-01-01", "o": {"a": 1}, "l": [1, 2]}',
        b'{"n": 2.5, "d": "00123", "o": {"b": null}, "l": []}',
        b'{"n": "x", "d": null, "o": {}, "l": ["y", {"z": 1}]}',
        b'{"n": 123456789012345678901234567890, "d": "d", "o": null}',
    ]
    assert read(tmp_path, "a.jsonl", b"\n".join(lines)) == [
        {"row": 1, "n": 1, "d": "2026-01-01", "o": {"a": 1}, "l": [1, 2]},
        {"row": 2, "n": 2.5, "d": "00123", "o": {"b": None}, "l": []},
        {"row": 3, "n": "x", "d": None, "o": {}, "l": ["y", {"z": 1}]},
        {"row": 4, "n": 123456789012345678901234567890, "d": "d", "o": None, "l": None},
    ]


def test_jsonl_a_whole_number_stays_one_beside_a_fraction(tmp_path: Path) -> None:
    """Else a row's version would change with its neighbours."""
    rows = read(tmp_path, "a.jsonl", b'{"n": 2, "l": [1]}\n{"n": 2.5, "l": [0.5]}\n{"n": true, "l": []}\n')
    assert [repr((row["n"], row["l"])) for row in rows] == ["(2, [1])", "(2.5, [0.5])", "(True, [])"]
    rows = read(tmp_path, "a.jsonl", b'{"n": 2, "l": [1]}\n{"n": 2.5, "l": [0.5]}\n')
    assert [repr((row["n"], row["l"])) for row in rows] == ["(2, [1])", "(2.5, [0.5])"]


def test_jsonl_lines_that_are_no_object_keep_their_place(tmp_path: Path) -> None:
    """Broken JSON, other JSON, NaN, half a character, and a line cut off at the end."""
    content = b'{"a": 1}\nnope\n[1]\n\n{"a": NaN}\n{"a": "\xff"}\n{"a": "\\ud800"}\r\n{"a": 2}\n{"a": '
    rows = read(tmp_path, "a.jsonl", content)
    assert [(row["row"], row["a"]) for row in rows if row[BROKEN] is None] == [(1, 1), (7, 2)]
    assert [number for number, _, _ in broken(rows)] == [2, 3, 4, 5, 6, 8]
    assert broken(rows)[1][1:] == ("a JSON list where an object is expected", "[1]")


def test_jsonl_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    """It names no columns either."""
    assert read(tmp_path, "a.jsonl", b"") == []
    assert registry.source("files", with_={"url": "a.jsonl"}, base=tmp_path).columns() == []


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_a_truncated_compressed_file_is_an_error(tmp_path: Path, name: str) -> None:
    """Half a file isn't taken for a whole one."""
    whole = gzip.compress(b'{"a": 1}\n' * 50_000)
    with pytest.raises(ConnectorError, match=name.replace(".", r"\.")):
        read(tmp_path, name, whole[: len(whole) // 2])


def test_csv_files_with_other_headers_are_refused_by_both_names(tmp_path: Path) -> None:
    """The order of the columns doesn't matter, their names do."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("y,x\n1,2\n")
    (tmp_path / "c.csv").write_text("x,z\n1,2\n")
    same = registry.source("files", with_={"url": "[ab].csv"}, base=tmp_path)
    assert [row for part in same.ranges() for _, batch in same.read(part, ["x"]) for row in to_rows(batch)] == [{"x": "1"}, {"x": "2"}]
    other = registry.source("files", with_={"url": "*.csv"}, base=tmp_path)
    with pytest.raises(ConnectorError, match=r"a\.csv and c\.csv have different columns: the second lacks y and adds z"):
        other.ranges()


def test_a_file_that_vanishes_is_named(tmp_path: Path) -> None:
    """Between the look at it and its reading."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    source = registry.source("files", with_={"url": "a.csv"}, base=tmp_path)
    part = source.ranges()[0]
    (tmp_path / "a.csv").unlink()
    with pytest.raises(ConnectorError, match=r"a\.csv is gone"):
        list(source.read(part))


def test_what_a_file_holds_must_be_told(tmp_path: Path) -> None:
    """An unknown suffix is an error that lists the known ones, in a folder too."""
    (tmp_path / "feed.xlsx").write_bytes(b"PK")
    for url in ("feed.xlsx", "."):
        with pytest.raises(ConnectorError, match=r"feed\.xlsx holds can't be told") as caught:
            registry.source("files", with_={"url": url}, base=tmp_path).ranges()
        assert ".parquet" in str(caught.value.help)


def test_a_name_with_magic_characters_is_found_as_it_is(tmp_path: Path) -> None:
    """A file that is there comes before the pattern that its name could be."""
    assert read(tmp_path, "feed[1].csv", b"a\n1\n") == [{"row": 1, "a": "1"}]


def test_a_folder_and_a_list_are_read_too(tmp_path: Path) -> None:
    """A folder means its files, sorted, without hidden ones; a list keeps its order."""
    for name in ("b.csv", "a.csv", "_SUCCESS", ".hidden"):
        (tmp_path / name).write_text(f"x\n{name}\n")
    for url, wanted in ((".", ["a.csv", "b.csv"]), (["b.csv", "a.csv"], ["b.csv", "a.csv"])):
        source = registry.source("files", with_={"url": url}, base=tmp_path)
        assert [row["x"] for part in source.ranges() for _, batch in source.read(part) for row in to_rows(batch)] == wanted
