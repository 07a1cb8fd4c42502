"""Reading JSONL files: an object a line; lines that are no object are marked as broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
from pydantic_core import from_json

from ..errors import ConnectorError
from ..rows import from_rows
from .broken import BrokenRow, mark
from .formats import Reading, opened

BATCH_ROWS = 4096
BLOCK = 1 << 20
LONGEST = 64 << 20
"""Bytes of the longest line that is read."""
LOOKED_AT = 1000
"""Rows whose keys are the columns, where nothing else names them."""


def column_names(reading: Reading) -> list[str]:
    """Return the keys of the first rows, in the order in which they come."""
    with opened(reading) as plain:
        rows = [_parse(line) for line in islice(_lines(reading, plain), LOOKED_AT)]
    return list(dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row))


def stretches(reading: Reading) -> list[tuple[int, int | None]]:
    """Return the whole file: the number of a row is known only to who reads from the start."""
    del reading
    return [(0, None)]


def read(reading: Reading, start: int, stop: int | None, columns: Sequence[str] | None) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches; a key that a row lacks is null, and so is a column that no row has."""
    del start, stop
    row = 1
    with opened(reading) as plain:
        lines = _lines(reading, plain)
        while part := list(islice(lines, BATCH_ROWS)):
            yield row, _batch(part, row, columns)
            row += len(part)


def _batch(lines: Sequence[bytes], row: int, columns: Sequence[str] | None) -> pa.RecordBatch:
    parsed = [_parse(line) for line in lines]
    broken = {
        place: BrokenRow(row + place, one, lines[place].decode(errors="backslashreplace"))
        for place, one in enumerate(parsed)
        if isinstance(one, str)
    }
    rows: list[dict[str, Any]] = [{} if isinstance(one, str) else one for one in parsed]
    names = list(dict.fromkeys(name for one in rows for name in one)) if columns is None else list(columns)
    return mark(from_rows(rows, names), broken)


def _parse(line: bytes) -> dict[str, Any] | str:
    """Return the object of a line, or what is wrong with it."""
    try:
        value = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        return f"no JSON: {error}"
    return value if isinstance(value, dict) else f"a JSON {type(value).__name__} where an object is expected"


def _lines(reading: Reading, plain: Any) -> Iterator[bytes]:
    """Yield the lines that hold something, without their ends."""
    rest = b""
    while block := bytes(plain.read(BLOCK)):
        *whole, rest = (rest + block).split(b"\n")
        yield from (line for line in whole if line.strip())
        if len(rest) > LONGEST:
            msg = f"{reading.file.name} has a line longer than {LONGEST >> 20} MiB"
            raise ConnectorError(msg, help="JSONL has one object a line; is it one JSON document?")
    if rest.strip():
        yield rest
