"""Saying what was expected, and rows to expect it of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ..errors import ConnectorError
from ..ports import GENERATION, SHARD
from ..rows import to_rows

Row = Mapping[str, Any]

HOSTILE: tuple[str, ...] = (
    "",
    " ",
    "it's",
    "'; DROP TABLE rows; --",
    'a "quote"',
    "back\\slash",
    "\\'",
    "a,b;c\td",
    "two\nlines",
    "carriage\r\nreturn",
    "nul\x00byte",
    "%",
    "_",
    "`",
    "NULL",
    "null",
    "00123",
    "1e5",
    "Größe 42",
    "Gro\u0308ße 42",
    "日本語",
    "\U0001f600",
    "\u202eright to left",
    "{x} $y ${z}",
)
"""Texts that break what is not quoted right; all different."""


def expect(holds: bool, said: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise AssertionError with a sentence unless something holds."""
    if not holds:
        raise AssertionError(said)


def expect_equal(found: Any, wanted: Any, said: str) -> None:
    """Raise AssertionError that shows both values unless they are equal."""
    if found != wanted:
        msg = f"{said}: {_short(found)} where {_short(wanted)} was expected"
        raise AssertionError(msg)


def expect_refusal(doing: Callable[[], object], said: str) -> None:
    """Raise AssertionError unless a ConnectorError with a message is raised."""
    try:
        doing()
    except ConnectorError as refusal:
        expect(bool(str(refusal)), f"{said}: the ConnectorError says nothing")
        return
    raise AssertionError(f"{said}: nothing was refused")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}…"  # noqa: PLR2004 - as much as anyone reads


_TYPES: Mapping[str, pa.DataType] = {
    "key": pa.string(),
    "title ä": pa.string(),
    "price": pa.float64(),
    "tags": pa.list_(pa.string()),
    "vector": pa.list_(pa.float32(), 4),
    GENERATION: pa.int64(),
    SHARD: pa.int64(),
}
SCHEMA = pa.schema(_TYPES)


def row(key: Any, title: str | None = "a title", *, generation: int = 1, shard: int = 0) -> Row:
    """Return a row of `SCHEMA`; its vector tells its title's length."""
    size = float(len(title or ""))
    return {
        "key": key,
        "title ä": title,
        "price": None if title is None else size / 4,
        "tags": None if title is None else ["a", title],
        "vector": [1.0, size, 0.5, 0.0],
        GENERATION: generation,
        SHARD: shard,
    }


def batches(*rows: Row, schema: pa.Schema = SCHEMA, size: int = 3) -> Iterator[pa.RecordBatch]:
    """Yield rows in small batches."""
    for start in range(0, len(rows), size):
        yield pa.RecordBatch.from_pylist([dict(one) for one in rows[start : start + size]], schema=schema)


def opened(sink: Any, schema: pa.Schema = SCHEMA) -> Any:
    """Return a sink opened for rows of a schema."""
    sink.open(schema, "key")
    return sink


def content(sink: Any) -> list[Row]:
    """Return all rows of a sink without marks, ordered by key."""
    found = [one for batch in sink.scan() for one in to_rows(batch)]
    return sorted(found, key=lambda one: str(one["key"]))


def titles(sink: Any) -> dict[Any, Any]:
    """Return key to title of all rows; AssertionError where a key is there twice."""
    pairs = [(one["key"], one["title ä"]) for one in content(sink)]
    expect_equal(len(pairs), len(dict(pairs)), "a key is there more than once")
    return dict(pairs)


def bare(rows: Iterable[Row]) -> list[Row]:
    """Return rows as `content` does: without marks, ordered by key."""
    kept = [{name: value for name, value in one.items() if name not in {GENERATION, SHARD}} for one in rows]
    return sorted(kept, key=lambda one: str(one["key"]))


def texts(count: int) -> Sequence[Row]:
    """Return source rows of texts and None with awkward names, all different."""
    return [
        {"sku": f"{number:07}", "title ä": HOSTILE[number % len(HOSTILE)], "no te": None if number % 3 else f"note {number}"}
        for number in range(count)
    ]
