"""Keys and names in the SQL that LanceDB reads, and its errors in words for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from ..errors import ConnectorError

RUST_PLACE = re.compile(r",?\s*\S*\.rs:\d+(:\d+)?")


def name(column: str) -> str:
    """Return a column's name as SQL."""
    return f"`{column}`"


def literal(value: Any, type_: pa.DataType) -> str:
    """Return a key as SQL; a text that stands for a whole number is taken as one where the column holds them."""
    if pa.types.is_integer(type_):
        try:
            return str(int(value))
        except (TypeError, ValueError) as error:
            msg = f"the key {value!r} is no whole number, and the table's keys are"
            raise ConnectorError(msg, help="the type of the key was changed; write to another table") from error
    return "'" + str(value).replace("'", "''") + "'"


def one_of(column: str, type_: pa.DataType, values: Sequence[Any]) -> str:
    """Return the condition that a column holds one of some values."""
    return f"{name(column)} IN ({', '.join(literal(value, type_) for value in values)})"


@contextmanager
def named(table: str) -> Iterator[None]:
    """Turn what goes wrong inside LanceDB into a ConnectorError that names the table."""
    try:
        yield
    except ConnectorError:
        raise
    except Exception as error:  # LanceDB raises RuntimeError, OSError, ValueError and others of its own
        msg = f"the LanceDB table {table}: {_said(error)}"
        raise ConnectorError(msg, help=_advice(str(error))) from error


def _said(error: Exception) -> str:
    text = RUST_PLACE.sub("", str(error)).strip() or type(error).__name__
    return text.splitlines()[0][:500]


def _advice(text: str) -> str:
    if "No space left" in text:
        return "free some space on the disk and run again; what was committed is kept"
    if "ermission denied" in text or "Read-only" in text:
        return "give the process the right to write there"
    if "onflict" in text:
        return "another process writes to the table; a table has one writer at a time"
    return "check the table's address and the right to use it"
