"""One stage over the rows of one shard: what is remembered is taken, the rest is computed, all of it becomes a part."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ...failures import Semantic
from ...perform.values import dump
from ..arrow import Column, one_array
from ..columns import RowType, encode, misfit, raw_rows
from ..fingerprints import StageKey, entering, leaving
from ..model import FINGERPRINT, KEY, LINEAGE, STATE, VERSION, Counts
from ..outcomes import Dead, DeadLetter, Done, Filtered, Outcome
from ..rows import DONE, FILTERED, Rows
from .arrow_stage import ArrowCaller
from .callables import Caller, StageTypes
from .remembered import Found, Memory

_DIGEST = pa.binary(16)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that is ready to run in this process."""

    name: str
    key: StageKey
    types: StageTypes
    caller: Caller | ArrowCaller


@dataclass(frozen=True, slots=True)
class Passed:
    """What a stage made of a shard's rows: its part, the rows that go on, and the dead letters."""

    part: pa.Table
    rows: Rows
    dead: tuple[DeadLetter, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Computed:
    """Rows that were computed now: fields for each of ``done``, and what became of the others (places among all rows)."""

    done: list[int]
    columns: dict[str, Column]
    values: list[Any] | None
    filtered: list[int]
    dead: list[tuple[int, Dead]]


def run_stage(stage: Stage, rows: Rows, memory: Memory, batch: int | None) -> Passed:
    """Run a stage over a shard's rows. Raises what ends the shard; a row's own failure is a dead letter."""
    fingerprints = entering(stage.key, rows.columns, rows.lineage)
    found = memory.find(stage.name, rows, fingerprints)
    known = found.places
    todo = [place for place in range(len(rows)) if place not in known] if known else list(range(len(rows)))
    computed = (
        _arrow(stage.caller, rows, todo, batch)
        if isinstance(stage.caller, ArrowCaller)
        else _called(stage, stage.caller, rows, todo, batch)
    )
    return _Assembly(stage, rows, fingerprints, found, computed).passed()


def _called(stage: Stage, caller: Caller, rows: Rows, todo: list[int], batch: int | None) -> _Computed:
    taken, given = _needed(stage.types.input), _needed(stage.types.output)
    some = rows.take(todo)
    values = some.objects(taken)
    outcomes = _outcomes(caller, taken, some, values, batch)
    done = [place for place, one in enumerate(outcomes) if isinstance(one, Done)]
    results = [one.value for one in outcomes if isinstance(one, Done)]
    columns, wrong = _encoded(given, results)
    if wrong:
        for index, dead in wrong.items():
            outcomes[done[index]] = dead
        done = [place for index, place in enumerate(done) if index not in wrong]
        results = [value for index, value in enumerate(results) if index not in wrong]
    return _Computed(
        [todo[place] for place in done],
        dict(zip((one.name for one in given.columns), columns, strict=True)),
        results,
        [todo[place] for place, one in enumerate(outcomes) if isinstance(one, Filtered)],
        [(todo[place], one) for place, one in enumerate(outcomes) if isinstance(one, Dead)],
    )


def _needed(rows: RowType | None) -> RowType:
    assert rows is not None  # noqa: S101 - only Arrow stages have no row types
    return rows


def _outcomes(caller: Caller, taken: RowType, rows: Rows, values: list[Any], batch: int | None) -> list[Outcome]:
    """Call for the rows that fit the stage's type; the others are dead letters."""
    if not any(value is None for value in values):
        return caller.run(values, batch)
    raw = raw_rows(taken, rows.columns, len(rows))
    fitting = iter(caller.run([value for value in values if value is not None], batch))
    outcomes: list[Outcome] = []
    for value, row in zip(values, raw, strict=True):
        outcomes.append(next(fitting) if value is not None else _semantic(misfit(taken, row)))
    return outcomes


def _semantic(error: Semantic) -> Dead:
    return Dead("semantic", error.type_name, error.message)


def _encoded(rows: RowType, values: Sequence[Any]) -> tuple[list[Column], dict[int, Dead]]:
    """Return values as columns, and the ones (by index) that aren't what their type says."""
    try:
        return encode(rows, values), {}
    except Semantic:
        wrong = {index: dead for index, value in enumerate(values) if (dead := _unfit(rows, value)) is not None}
    return encode(rows, [value for index, value in enumerate(values) if index not in wrong]), wrong


def _unfit(rows: RowType, value: Any) -> Dead | None:
    try:
        encode(rows, [value])
    except Semantic as error:
        return Dead("semantic", "WrongType", f"the callable gave a wrong {error.message}")
    return None


def _arrow(caller: ArrowCaller, rows: Rows, todo: list[int], batch: int | None) -> _Computed:
    result = caller.run(rows.take(todo).batch(), batch)
    columns = {name: one_array(result.table[name]) for name in result.table.schema.names}
    return _Computed(
        [todo[place] for place in result.done], columns, None, [todo[place] for place in result.filtered],
        [(todo[place], dead) for place, dead in result.dead],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Assembly:
    """Puts remembered and computed rows together, in the order in which they entered."""

    stage: Stage
    rows: Rows
    fingerprints: Column
    found: Found
    computed: _Computed

    def passed(self) -> Passed:
        done, table, values = self._done()
        filtered = sorted([*self.computed.filtered, *self.found.filtered])
        part = self._part(done, table, filtered)
        counts = Counts(done=len(self.computed.done), reused=len(self.found.done), filtered=len(filtered), dead=len(self.computed.dead))
        return Passed(part, self._live(done, table, values), tuple(self._letters()), counts)

    def _done(self) -> tuple[list[int], pa.Table, list[Any] | None]:
        fresh = pa.table(self.computed.columns)
        if self.found.table is None:
            return self.computed.done, fresh, self.computed.values
        places = [*self.computed.done, *self.found.done]
        old = self._with_carried(self.found.table.select([name for name in self.found.table.schema.names if not name.startswith("_")]))
        both = pa.concat_tables([fresh, _as(fresh.schema, old)], promote_options="permissive") if self.computed.done else self._typed(old)
        order = sorted(range(len(places)), key=places.__getitem__)
        return [places[index] for index in order], both.take(pa.array(order, pa.int64())), None

    def _with_carried(self, old: pa.Table) -> pa.Table:
        """Lay the fields that pass by the stage over remembered rows: those are as they entered now, not as they were."""
        taken = self.stage.types.input
        if not self.stage.key.carries or taken is None:
            return old
        places = list(self.found.done)
        for name in [one.name for one in taken.columns if one.name in old.schema.names]:
            old = old.set_column(old.schema.get_field_index(name), name, self._at(self.rows.columns[name], places))
        return old

    def _typed(self, old: pa.Table) -> pa.Table:
        output = self.stage.types.output
        return old if output is None else _as(output.schema, old)

    def _part(self, done: list[int], table: pa.Table, filtered: list[int]) -> pa.Table:
        places = [*done, *filtered]
        own: dict[str, Column] = {
            KEY: self._at(self.rows.keys, places),
            VERSION: self._at(self.rows.versions, places),
            FINGERPRINT: self._at(self.fingerprints, places),
            STATE: pa.array([DONE] * len(done) + [FILTERED] * len(filtered), pa.string()),
        }
        if self.stage.key.carries:
            own[LINEAGE] = self._at(self._lineage(), places)
        fields = {name: _padded(one_array(table[name]), len(filtered)) for name in table.schema.names}
        return pa.table({**own, **fields})

    def _live(self, done: list[int], table: pa.Table, values: list[Any] | None) -> Rows:
        return Rows(
            self._at(self.rows.keys, done),
            self._at(self.rows.versions, done),
            self._at(self._lineage(), done),
            {name: one_array(table[name]) for name in table.schema.names},
            values,
            self.stage.types.output if values is not None else None,
        )

    def _lineage(self) -> Column:
        return leaving(self.stage.key, self.fingerprints, self.rows.lineage)

    def _at(self, column: Column, places: list[int]) -> Column:
        return column if places == list(range(len(column))) else column.take(pa.array(places, pa.int64()))

    def _letters(self) -> list[DeadLetter]:
        shown = _shown(self.stage.types.input, self.rows)
        return [
            DeadLetter(self.rows.keys[place].as_py(), self.rows.versions[place].as_py(), self.stage.name, dead, shown(place))
            for place, dead in self.computed.dead
        ]


def _padded(column: Column, nulls: int) -> Column:
    return column if not nulls else pa.concat_arrays([column, pa.nulls(nulls, column.type)])


def _as(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """Return a table with the columns of a schema: cast, and null where it has none."""
    columns = [
        one_array(table[one.name]).cast(one.type) if one.name in table.schema.names else pa.nulls(len(table), one.type) for one in schema
    ]
    return pa.table(columns, names=schema.names)


def _shown(taken: RowType | None, rows: Rows) -> Callable[[int], str]:
    """Return how a row is shown in its dead letter: as JSON of what the stage was passed."""

    def shown(place: int) -> str:
        one = {name: column.slice(place, 1) for name, column in rows.columns.items()}
        fields = raw_rows(taken, one, 1)[0] if taken else {name: column[0].as_py() for name, column in one.items()}
        return json.dumps(dump(fields), ensure_ascii=False, default=str)

    return shown
