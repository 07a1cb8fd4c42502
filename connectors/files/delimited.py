"""Reading CSV files: a header, every cell a string, rows with the wrong number of cells marked as broken."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pc

from ...compiler.diagnostics import did_you_mean
from ..errors import ConnectorError
from .broken import Broken, BrokenRow, blank, make_room, mark
from .formats import Reading, opened

BLOCK = 4 << 20
"""Bytes parsed at a time, and so the most that one row may have."""
HEAD = 1 << 20


def column_names(reading: Reading) -> list[str]:
    """Return the header's names; ConnectorError where there is none, or where one stands in it twice."""
    with opened(reading) as plain:
        head = bytes(plain.read(HEAD))
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refusal(reading, "is UTF-16 text", "save it as UTF-8")
    text = head.decode("utf-8-sig", errors="replace")
    names = next((row for row in csv.reader(io.StringIO(text), delimiter=reading.delimiter) if row), None)
    if names is None:
        raise _refusal(reading, "is empty", "a CSV file begins with a line that names its columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names or "\ufffd" in "".join(names):
        wrong = f"names {twice[0]!r} twice" if twice else "has a column without a readable name"
        raise _refusal(reading, wrong, f"its first line is {text.splitlines()[0][:200]!r}")
    return names


def _refusal(reading: Reading, wrong: str, help_: str) -> ConnectorError:
    return ConnectorError(f"{reading.file.name} {wrong}", help=help_)


def stretches(reading: Reading) -> list[tuple[int, int | None]]:
    """Return the whole file: where a row begins is known only to who reads from the start."""
    del reading
    return [(0, None)]


def read(reading: Reading, start: int, stop: int | None, columns: Sequence[str] | None) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches of strings; an empty cell without quotes is null."""
    del start, stop
    names = column_names(reading)
    wanted = names if columns is None else list(columns)
    for name in wanted:
        if name not in names:
            raise _refusal(reading, f"has no column {name!r}", did_you_mean(name, names) or "")
    row = 1
    try:
        for batch in _parsed(reading, names, wanted):
            yield row, batch
            row += batch.num_rows
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error):
            raise
        msg = f"{reading.file.name} has a row after row {row - 1:,} that is longer than {BLOCK >> 20} MiB"
        raise ConnectorError(msg, help="a quote is opened there that is never closed; close it, or double it") from error


def _parsed(reading: Reading, names: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    skipped: deque[BrokenRow] = deque()
    # The last column is always parsed: only there a quote that is never closed can be seen.
    asked = list(dict.fromkeys([*wanted, names[-1]]))
    row = 1
    with opened(reading) as plain:
        tail = _Tail(plain)
        for good, is_last in _with_last(_cells(reading, tail, names, asked, skipped)):
            batch = _complete(good, row, skipped, is_open=is_last and _is_open(good, names[-1], tail))
            row += batch.num_rows
            if batch.num_rows:
                yield batch.drop_columns([name for name in asked if name not in wanted])
    if skipped:
        none = pa.RecordBatch.from_arrays([pa.nulls(len(skipped), pa.string())] * len(wanted), names=list(wanted))
        yield mark(none, dict(enumerate(skipped)))


class _Tail:
    """A stream that remembers how it ended."""

    closed = False

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        found = bytes(self.stream.read(size))
        self.last = found[-4:] or self.last
        return found


def _with_last(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, bool]]:
    held: pa.RecordBatch | None = None
    for batch in batches:
        if batch.num_rows == 0:
            continue
        if held is not None:
            yield held, False
        held = batch
    if held is not None:
        yield held, True


def _is_open(batch: pa.RecordBatch, last: str, tail: _Tail) -> bool:
    """Return whether the file ends inside a quoted cell; Arrow closes such a cell in silence."""
    cell = batch.column(last)[-1].as_py() or b""
    return (b"\n" in cell or b"\r" in cell) and not tail.last.rstrip(b"\r\n").endswith(b'"')


def _cells(
    reading: Reading, plain: Any, names: Sequence[str], wanted: Sequence[str], skipped: deque[BrokenRow]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows that have the right number of cells, as bytes; the others go to ``skipped``, always in time."""

    def skip(row: pc.InvalidRow) -> Literal["skip"]:
        # Numbers count from the header, which is 1; they are told where one thread parses.
        reason = f"{row.actual_columns} cells where {row.expected_columns} are expected"
        skipped.append(BrokenRow((row.number or 0) - 1, reason, row.text))
        return "skip"

    # Bytes, because one cell that is no UTF-8 would end the reading of strings.
    types = dict.fromkeys(names, pa.binary())
    try:
        yield from pc.open_csv(
            plain,
            read_options=pc.ReadOptions(use_threads=False, block_size=BLOCK),
            parse_options=pc.ParseOptions(delimiter=reading.delimiter, newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pc.ConvertOptions(
                column_types=types,
                include_columns=list(wanted),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # What Arrow says of a header without a line end.
        if "Empty CSV file" not in str(error):
            raise


def _complete(good: pa.RecordBatch, row: int, skipped: deque[BrokenRow], *, is_open: bool) -> pa.RecordBatch:
    """Return a batch of strings whose first row is number ``row``, with the broken rows at their places."""
    broken: dict[int, BrokenRow] = {}
    while skipped and skipped[0].row - row <= good.num_rows + len(broken):
        one = skipped.popleft()
        broken[one.row - row] = one
    laid = make_room(good, broken) if broken else good
    if is_open:
        place = max(set(range(laid.num_rows)) - set(broken))
        broken[place] = BrokenRow(row + place, "a quote is opened in this row and never closed", _shown(laid, place))
        laid = blank(laid, {place})
    try:
        return mark(_strings(laid), broken)
    except pa.ArrowInvalid:
        broken |= _undecodable(laid, row)
        return mark(_strings(blank(laid, broken)), broken)


def _strings(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in batch.columns], names=batch.schema.names)


def _undecodable(batch: pa.RecordBatch, row: int) -> Broken:
    found: dict[int, BrokenRow] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for place, cell in enumerate(column.to_pylist()):
            if cell is not None and not _is_utf8(cell):
                found.setdefault(place, BrokenRow(row + place, f"{name} is no UTF-8 text", _shown(batch, place)))
    return found


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(batch: pa.RecordBatch, place: int) -> str:
    cells = (column[place].as_py() or b"" for column in batch.columns)
    return ",".join(cell.decode(errors="backslashreplace") for cell in cells)
