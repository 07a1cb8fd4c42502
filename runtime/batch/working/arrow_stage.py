"""A stage that takes and gives Arrow batches: zero copy, matched by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ...failures import Semantic
from ..model import KEY
from ..outcomes import Dead, Filtered
from ..policy import ROW_ERRORS, FailurePolicy, Used, row_error


@dataclass(slots=True)
class ArrowResult:
    """Which rows (by place) were done, filtered or dead; ``table`` has the fields of the done ones, in their order."""

    table: pa.Table = field(default_factory=lambda: pa.table({}))
    done: list[int] = field(default_factory=list)
    filtered: list[int] = field(default_factory=list)
    dead: list[tuple[int, Dead]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ArrowCaller:
    """``RecordBatch -> RecordBatch``. A batch holds ``_key`` and the fields; the one that comes back keeps ``_key``.

    Rows whose key doesn't come back are filtered. Without ``_key`` as many rows must come back, in the same order.
    """

    function: Callable[[pa.RecordBatch], pa.RecordBatch]
    policy: FailurePolicy
    size: int | None
    schema: pa.Schema | None = None
    """Of the declared output type, where there is one."""

    def run(self, batch: pa.RecordBatch, size: int | None, report: Callable[[ArrowResult], None] | None = None) -> ArrowResult:
        """Call for a shard's rows, in slices of ``size`` where given; ``report`` is handed the result of each slice."""
        pieces = []
        step = size or self.size or max(1, batch.num_rows)
        for start in range(0, batch.num_rows, step):
            piece, tables = ArrowResult(), list[pa.Table]()
            self._some(batch.slice(start, step), start, piece, tables)
            if tables:
                piece.table = _together(tables)
            pieces.append(piece)
            if report is not None:
                report(piece)
        return self.joined(pieces)

    def joined(self, pieces: Sequence[ArrowResult]) -> ArrowResult:
        """Return the results of several slices as one."""
        result = ArrowResult()
        for piece in pieces:
            result.done += piece.done
            result.filtered += piece.filtered
            result.dead += piece.dead
        tables = [piece.table for piece in pieces if piece.done]
        if tables:
            result.table = _together(tables)
        elif self.schema is not None:
            result.table = self.schema.empty_table()
        return result

    def _some(self, batch: pa.RecordBatch, start: int, result: ArrowResult, tables: list[pa.Table]) -> None:
        try:
            self._keep(batch, self.function(batch), start, result, tables)
        except ROW_ERRORS as error:  # whatever user code raises belongs to some row of the batch
            first = row_error(error)
        else:
            return
        if batch.num_rows > 1:
            middle = batch.num_rows // 2
            self._some(batch.slice(0, middle), start, result, tables)
            self._some(batch.slice(middle), start + middle, result, tables)
            return
        try:
            self.policy.tried(lambda: self._keep(batch, self.function(batch), start, result, tables), first)
        except Used as used:
            settled = self.policy.settle(used.error, used.attempts)
            if isinstance(settled, Filtered):
                result.filtered.append(start)
            elif isinstance(settled, Dead):
                result.dead.append((start, settled))

    def _keep(self, given: pa.RecordBatch, back: pa.RecordBatch, start: int, result: ArrowResult, tables: list[pa.Table]) -> None:
        if not isinstance(back, pa.RecordBatch):
            raise Semantic(f"the callable gave a {type(back).__name__} instead of a RecordBatch", type_name="WrongType")
        places = self._places(given, back)
        fields = pa.Table.from_batches([back]).select([name for name in back.schema.names if name != KEY])
        tables.append(fields if self.schema is None else _cast(fields, self.schema))
        result.done += [start + place for place in places]
        kept = set(places)
        result.filtered += [start + place for place in range(given.num_rows) if place not in kept]

    def _places(self, given: pa.RecordBatch, back: pa.RecordBatch) -> list[int]:
        if KEY not in back.schema.names or back.column(KEY).equals(given.column(KEY)):
            if back.num_rows != given.num_rows:
                raise Semantic(f"the callable gave {back.num_rows} rows for {given.num_rows}, without `{KEY}`", type_name="WrongLength")
            return list(range(given.num_rows))
        known = {key: place for place, key in enumerate(given.column(KEY).to_pylist())}
        keys = back.column(KEY).to_pylist()
        if len(set(keys)) != len(keys) or not set(keys) <= known.keys():
            raise Semantic(f"the callable gave rows whose `{KEY}` it was not passed, or one twice", type_name="WrongKey")
        places = [known[key] for key in keys]
        if places != sorted(places):
            raise Semantic("the callable changed the order of the rows", type_name="WrongOrder")
        return places


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the fields of several calls as one table: a column that is all null in one of them has no type there."""
    return pa.concat_tables(tables, promote_options="permissive")


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    missing = [name for name in schema.names if name not in table.schema.names]
    if missing:
        raise Semantic(f"the callable gave no column {missing[0]!r}", type_name="WrongType")
    try:
        return table.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise Semantic(f"the callable gave columns of another type: {error}", type_name="WrongType") from error
