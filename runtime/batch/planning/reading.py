"""One streaming pass over a source: rows of the declared type, their keys and versions, and what could not be taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic_core import to_jsonable_python

from ....compiler.diagnostics import did_you_mean
from ....connectors.ports import BROKEN, RAW, Place, Readable
from ....connectors.rows import to_rows
from ...failures import Refused, Semantic
from ..arrow import Column, compute, one_array
from ..canonical import DIGEST, digest, digests
from ..model import KEY, VERSION
from ..partitions import BUCKETS, bucket_of, key_hashes
from ..spill import Buckets, Rows
from .intake import Intake, Misfit, shown, take_in

ROW, HASH, FLAG = "row", "hash", "flag"
LIVE, DELETED, BAD = 0, 1, 2
"""What a row of the source says: here I am; I am gone; I don't fit my type."""
SLICE = 16_384
"""Rows that are hashed at once: bounds what encodings take beside the batch itself."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of a source."""

    name: str
    intake: Intake
    key: str
    fields: tuple[str, ...]
    deleted: str | None
    dead_share: float


@dataclass(frozen=True, slots=True)
class DeadRow:
    """A row of the source that could not be taken."""

    place: Place
    key: str | None
    version: bytes | None
    field: str
    reason: str
    input: str

    def __str__(self) -> str:
        """Return ``file, row N: field: what is wrong``; rows count from 1, without a header, and are no lines."""
        where = f"{self.place.file}, row {self.place.row}"
        return f"{where}: {self.field}: {self.reason}" if self.field else f"{where}: {self.reason}"


@dataclass
class SourceRows:
    """What the pass over a source gives."""

    rows: Rows
    keys: Buckets
    count: int = 0
    null_keys: int = 0
    dead: list[DeadRow] = field(default_factory=list)


def read_source(source: Readable, wanted: Wanted, folder: Path, told: Callable[[int], None]) -> SourceRows:
    """Read the whole source once.

    Raises:
        Refused: a column that the type requires isn't there.
        Semantic: more rows than ``dead_share`` don't fit the type; the message names file, row, field and value.
        ConnectorError: the source can't be read.
    """
    columns = _columns(source, wanted)
    found = SourceRows(Rows(folder / "rows"), Buckets(folder / "keys"))
    for part in source.ranges():
        for place, batch in source.read(part, columns):
            for start in range(0, batch.num_rows, SLICE):
                _take(found, wanted, Place(place.file, place.row + start), batch.slice(start, SLICE))
            told(found.count)
            if wanted.dead_share == 0 and found.dead:
                raise _too_many(found, wanted)
    found.rows.close()
    if len(found.dead) > wanted.dead_share * found.count:
        raise _too_many(found, wanted)
    return found


def _columns(source: Readable, wanted: Wanted) -> list[str]:
    there = list(source.columns())
    asked = [*wanted.fields, *([wanted.deleted] if wanted.deleted else [])]
    if not there:
        return asked
    for name, rule in wanted.intake.rules.items():
        if name not in there and (rule.required or name == wanted.key):
            kind = wanted.intake.annotation.__name__
            raise Refused(
                f"{wanted.name} has no column {name!r}, which {kind} requires",
                help=did_you_mean(name, there) or f"its columns: {', '.join(there)}",
            )
    if wanted.deleted and wanted.deleted not in there:
        raise Refused(f"{wanted.name} has no column {wanted.deleted!r}, which `deleted` names", help=did_you_mean(wanted.deleted, there))
    return [name for name in dict.fromkeys(asked) if name in there]


def _too_many(found: SourceRows, wanted: Wanted) -> Semantic:
    first = "\n  ".join(str(one) for one in found.dead[:SHOWN])
    more = f"\n  and {len(found.dead) - SHOWN} more" if len(found.dead) > SHOWN else ""
    allowed = f"{wanted.dead_share * 100:g}%"
    return Semantic(
        f"{len(found.dead)} of {found.count} rows of {wanted.name} don't fit {wanted.intake.annotation.__name__},"
        f" and `dead_letter: max` is {allowed}:\n  {first}{more}",
        help="correct the rows, make the type accept them, or allow dead letters with `dead_letter: {max: 0.5%}`",
    )


def _take(found: SourceRows, wanted: Wanted, place: Place, batch: pa.RecordBatch) -> None:
    broken = _broken(batch)
    columns, misfits = take_in(wanted.intake, batch, wanted.fields) if not broken else _take_around(wanted, batch, broken)
    keys = _as_text(columns[wanted.key], wanted)
    flags = _flags(wanted, batch)
    misfits = [one for one in misfits if flags[one.row] == LIVE or keys[one.row].as_py() is None]
    dead = {one.row: one for one in misfits} | {row: Misfit(row, "", text, reason) for row, (reason, text) in broken.items()}
    for row in compute.indices_nonzero(keys.is_null()).to_pylist():
        dead.setdefault(row, Misfit(row, wanted.key, None, "the key is missing"))
        found.null_keys += row not in broken
    versions = digests({name: columns[name] for name in wanted.fields})
    if dead:
        buried = dict(_dead_rows(dead, batch, keys, place))
        found.dead += buried.values()
        versions = pa.array([buried[row].version if row in buried else one for row, one in enumerate(versions.to_pylist())], DIGEST)
        flags = [BAD if row in dead else flag for row, flag in enumerate(flags)]
    numbers = pa.array(range(found.rows.count, found.rows.count + batch.num_rows), pa.int64())
    found.count += batch.num_rows
    found.rows.add(pa.table({name: columns[name] for name in wanted.fields}))
    _keep_keys(found, keys, versions, numbers, flags)


def _keep_keys(found: SourceRows, keys: Column, versions: Column, numbers: Column, flags: Sequence[int]) -> None:
    table = pa.table({KEY: keys, VERSION: versions, ROW: numbers, FLAG: pa.array(flags, pa.int8())})
    if keys.null_count:
        table = table.filter(keys.is_valid())
    hashes = key_hashes(one_array(table[KEY]))
    found.keys.scatter(table.append_column(HASH, hashes), bucket_of(hashes, BUCKETS))


def _broken(batch: pa.RecordBatch) -> dict[int, tuple[str, str]]:
    if BROKEN not in batch.schema.names:
        return {}
    reasons, texts = batch.column(BROKEN).to_pylist(), batch.column(RAW).to_pylist()
    return {row: (reason, texts[row] or "") for row, reason in enumerate(reasons) if reason is not None}


def _take_around(wanted: Wanted, batch: pa.RecordBatch, broken: dict[int, tuple[str, str]]) -> tuple[dict[str, Column], list[Misfit]]:
    """Take in the good rows, and lay the columns out again with null where a row is broken."""
    good = [row for row in range(batch.num_rows) if row not in broken]
    columns, misfits = take_in(wanted.intake, batch.take(pa.array(good, pa.int64())), wanted.fields)
    place_of = {row: index for index, row in enumerate(good)}
    order = pa.array([place_of.get(row) for row in range(batch.num_rows)], pa.int64())
    return (
        {name: column.take(order) for name, column in columns.items()},
        [Misfit(good[one.row], one.field, one.value, one.reason) for one in misfits],
    )


def _as_text(keys: Column, wanted: Wanted) -> Column:
    kind = keys.type
    if pa.types.is_string(kind):
        return keys
    if pa.types.is_integer(kind):
        return keys.cast(pa.string())
    raise Refused(f"the key {wanted.key!r} of {wanted.name} is {kind}; a key is text or a whole number")


def _flags(wanted: Wanted, batch: pa.RecordBatch) -> list[int]:
    if wanted.deleted is None or wanted.deleted not in batch.schema.names:
        return [LIVE] * batch.num_rows
    return [DELETED if _says_yes(value) else LIVE for value in batch.column(wanted.deleted).to_pylist()]


def _says_yes(value: Any) -> bool:
    """Return whether a deleted-field says so: true, a number but 0, a moment, or a text but ``false``, ``no``, ``0``."""
    return value.strip().lower() not in {"", "false", "f", "no", "n", "0"} if isinstance(value, str) else bool(value)


def _dead_rows(dead: dict[int, Misfit], batch: pa.RecordBatch, keys: Column, place: Place) -> Iterator[tuple[int, DeadRow]]:
    """Yield dead rows; the version of one is over what the source says, so that it is known again next time."""
    order = sorted(dead)
    for row, values in zip(order, to_rows(batch.take(pa.array(order, pa.int64()))), strict=True):
        one = dead[row]
        reason = one.reason if one.field == "" or one.value is None else f"{shown(one.value)}: {one.reason}"
        text = one.value if one.field == "" and isinstance(one.value, str) else json.dumps(to_jsonable_python(values, fallback=str))
        yield row, DeadRow(Place(place.file, place.row + row), keys[row].as_py(), digest({"dead": values}), one.field, reason, text)


__all__ = ["BAD", "DELETED", "FLAG", "HASH", "LIVE", "ROW", "DeadRow", "SourceRows", "Wanted", "read_source"]
