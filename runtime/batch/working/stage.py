"""One stage over the rows of one shard: what is remembered is taken, the rest is computed, all of it becomes a part."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from ...failures import Semantic
from ...perform.values import dump
from ..arrow import Column, one_array
from ..columns import RowType, encode, misfit, raw_rows
from ..fingerprints import StageKey, entering, leaving
from ..flushes import DEAD, DEAD_ROW
from ..model import FINGERPRINT, KEY, LINEAGE, STATE, VERSION, Counts
from ..outcomes import Dead, DeadLetter, Done, Filtered, Outcome
from ..rows import DONE, FILTERED, Rows
from .arrow_stage import ArrowCaller, ArrowResult
from .callables import Caller, StageTypes
from .kept import Collecting, Keeper, Kept, as_json
from .remembered import Found, Memory


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


def run_stage(stage: Stage, rows: Rows, memory: Memory, batch: int | None, keeper: Keeper) -> Passed:
    """Run a stage over a shard's rows. Raises what ends the shard; a row's own failure is a dead letter.

    What an earlier attempt kept isn't done again, and what is done here is kept every few seconds, see `kept.Keeper`.
    """
    fingerprints = entering(stage.key, rows.columns, rows.lineage)
    found = memory.find(stage.name, rows, fingerprints)
    kept = keeper.earlier(stage.name, rows, fingerprints, found.places)
    known = found.places | kept.places
    pending = [place for place in range(len(rows)) if place not in known] if known else list(range(len(rows)))
    work = _Work(stage, rows, fingerprints, pending, batch)
    collecting = keeper.collecting(stage.name, work.flushed)
    computed = work.arrow(stage.caller, collecting) if isinstance(stage.caller, ArrowCaller) else work.called(stage.caller, collecting)
    return _Assembly(stage, rows, fingerprints, found, computed, kept).passed()


@dataclass(frozen=True, slots=True)
class _Work:
    """The rows of a shard that a stage must compute now: those at the places ``pending``."""

    stage: Stage
    rows: Rows
    fingerprints: Column
    pending: list[int]
    batch: int | None

    def called(self, caller: Caller, collecting: Collecting) -> _Computed:
        """Call for rows as objects."""
        taken = _needed(self.stage.types.input)
        some = self.rows.take(self.pending)
        values = some.objects(taken)
        fitting = [place for place, value in zip(self.pending, values, strict=True) if value is not None]

        def report(start: int, outcomes: Sequence[Outcome]) -> None:
            collecting.add((fitting, start, outcomes))

        outcomes = _outcomes(partial(caller.run, batch=self.batch, report=report), taken, some, values)
        return self._computed(list(zip(self.pending, outcomes, strict=True)))

    def _computed(self, outcomes: Sequence[tuple[int, Outcome]]) -> _Computed:
        """Return what came of the rows at some places."""
        given = _needed(self.stage.types.output)
        done = [(place, one.value) for place, one in outcomes if isinstance(one, Done)]
        columns, wrong = _encoded(given, [value for _, value in done])
        fit = [pair for index, pair in enumerate(done) if index not in wrong]
        return _Computed(
            [place for place, _ in fit],
            dict(zip((one.name for one in given.columns), columns, strict=True)),
            [value for _, value in fit],
            [place for place, one in outcomes if isinstance(one, Filtered)],
            sorted(
                [(place, one) for place, one in outcomes if isinstance(one, Dead)] + [(done[at][0], dead) for at, dead in wrong.items()],
                key=_place,
            ),
        )

    def arrow(self, caller: ArrowCaller, collecting: Collecting) -> _Computed:
        """Call for rows as Arrow batches."""
        return self._placed(caller.run(self.rows.take(self.pending).batch(), self.batch, collecting.add))

    def _placed(self, result: ArrowResult) -> _Computed:
        columns = {name: one_array(result.table[name]) for name in result.table.schema.names}
        return _Computed(
            [self.pending[place] for place in result.done], columns, None, [self.pending[place] for place in result.filtered],
            [(self.pending[place], dead) for place, dead in result.dead],
        )  # fmt: skip

    def flushed(self, news: Sequence[Any]) -> pa.Table:
        """Return the rows of a flush: of what a caller has reported."""
        caller = self.stage.caller
        if isinstance(caller, ArrowCaller):
            some = self._placed(caller.joined(news))
        else:
            pairs = [(fitting[start + index], one) for fitting, start, outcomes in news for index, one in enumerate(outcomes)]
            some = self._computed(sorted(pairs, key=_place))
        return _Assembly(self.stage, self.rows, self.fingerprints, Found(), some, Kept()).flush()


def _place(pair: tuple[int, Any]) -> int:
    return pair[0]


def _needed(rows: RowType | None) -> RowType:
    assert rows is not None  # noqa: S101 - only Arrow stages have no row types
    return rows


def _outcomes(run: Callable[[Sequence[Any]], list[Outcome]], taken: RowType, rows: Rows, values: list[Any]) -> list[Outcome]:
    """Call for the rows that fit the stage's type; the others are dead letters."""
    if not any(value is None for value in values):
        return run(values)
    raw = raw_rows(taken, rows.columns, len(rows))
    fitting = iter(run([value for value in values if value is not None]))
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


@dataclass(frozen=True, slots=True)
class _Assembly:
    """Puts remembered and computed rows together, in the order in which they entered."""

    stage: Stage
    rows: Rows
    fingerprints: Column
    found: Found
    computed: _Computed
    kept: Kept

    def passed(self) -> Passed:
        done, table, values = self._done()
        filtered = sorted([*self.computed.filtered, *self.kept.filtered, *self.found.filtered])
        part = self._part(done, table, (FILTERED, filtered))
        dead = sorted([*self.computed.dead, *self.kept.dead], key=_place)
        made = len(self.computed.done) + len(self.kept.done)
        counts = Counts(done=made, reused=len(self.found.done), filtered=len(filtered), dead=len(dead))
        return Passed(part, self._live(done, table, values), tuple(self._letters(dead)), counts)

    def flush(self) -> pa.Table:
        """Return the computed rows as they are kept while the shard is under way."""
        done, dead = self.computed.done, self.computed.dead
        part = self._part(
            done, pa.table(self.computed.columns), (FILTERED, self.computed.filtered), (DEAD_ROW, [place for place, _ in dead])
        )
        told = [None] * (part.num_rows - len(dead)) + [as_json(one) for _, one in dead]
        return part.append_column(DEAD, pa.array(told, pa.string()))

    def _done(self) -> tuple[list[int], pa.Table, list[Any] | None]:
        fresh = pa.table(self.computed.columns)
        tables = [one for one in (self.found.table, self.kept.table) if one is not None]
        if not tables:
            return self.computed.done, fresh, self.computed.values
        stored = pa.concat_tables(tables, promote_options="permissive")
        places = [*self.computed.done, *self.found.done, *self.kept.done]
        old = self._with_carried(stored.select([name for name in stored.schema.names if not name.startswith("_")]))
        both = pa.concat_tables([fresh, _as(fresh.schema, old)], promote_options="permissive") if self.computed.done else self._typed(old)
        order = sorted(range(len(places)), key=places.__getitem__)
        return [places[index] for index in order], both.take(pa.array(order, pa.int64())), None

    def _with_carried(self, old: pa.Table) -> pa.Table:
        """Lay the fields that pass by the stage over remembered rows: those are as they entered now, not as they were."""
        taken = self.stage.types.input
        if not self.stage.key.carries or taken is None:
            return old
        places = [*self.found.done, *self.kept.done]
        for name in [one.name for one in taken.columns if one.name in old.schema.names]:
            old = old.set_column(old.schema.get_field_index(name), name, self._at(self.rows.columns[name], places))
        return old

    def _typed(self, old: pa.Table) -> pa.Table:
        output = self.stage.types.output
        return old if output is None else _as(output.schema, old)

    def _part(self, done: list[int], table: pa.Table, *ended: tuple[str, list[int]]) -> pa.Table:
        """Return a part: done rows, then those that ended here, by state."""
        gone = [place for _, some in ended for place in some]
        places = [*done, *gone]
        own: dict[str, Column] = {
            KEY: self._at(self.rows.keys, places),
            VERSION: self._at(self.rows.versions, places),
            FINGERPRINT: self._at(self.fingerprints, places),
            STATE: pa.array([DONE] * len(done) + [state for state, some in ended for _ in some], pa.string()),
        }
        if self.stage.key.carries:
            own[LINEAGE] = self._at(self._lineage(), places)
        fields = {name: _padded(one_array(table[name]), len(gone)) for name in table.schema.names}
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

    def _letters(self, dead: Sequence[tuple[int, Dead]]) -> list[DeadLetter]:
        shown = _shown(self.stage.types.input, self.rows)
        return [
            DeadLetter(self.rows.keys[place].as_py(), self.rows.versions[place].as_py(), self.stage.name, one, shown(place))
            for place, one in dead
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
