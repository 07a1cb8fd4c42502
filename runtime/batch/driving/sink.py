"""The sink commit: one writer, shard by shard in batches, each between an intent and its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from ....compiler.plan import Plan, SinkPlan
from ....connectors.keyed import plain
from ....connectors.ports import GENERATION, SHARD, Scannable, Upsertable
from ...failures import Corrupt, Fenced
from ...journal import paths
from ..arrow import compute, one_array
from ..intents import Intent, announced
from ..markers import Board
from ..model import KEY, STATE, Counts, Marker
from ..parts import DamagedPart, read_outcome
from ..rows import DONE, FILTERED

COMMIT_ROWS = 20_000
"""A commit is a version of the table: small ones make it slow to read and to clean up."""
_DELETE_KEYS = 10_000
_STAMP = (GENERATION, SHARD)


@dataclass
class SinkCommits:
    """Writes finished shards to the sink. ``mode`` is append only for a first build into an empty table."""

    board: Board
    sink: Upsertable
    plan: Plan
    first_build: bool
    committed: set[int] = field(default_factory=set)
    redone: set[int] = field(default_factory=set)
    """Shards that were committed once and then done again: the sink holds what came of them before."""
    rows: int = 0
    _waiting: dict[int, Marker] = field(default_factory=dict)
    _next: int = 0
    _mode: Literal["append", "upsert"] | None = None
    _schema: pa.Schema | None = None
    _found_rows: bool = False

    @property
    def _job(self) -> str:
        return self.board.job

    @property
    def _sink(self) -> SinkPlan:
        job = self.plan.job
        assert job is not None  # noqa: S101 - a sink belongs to a job
        return job.sink

    @property
    def _key(self) -> str:
        return self.plan.datasets[self._sink.to].key

    def recover(self) -> list[Intent]:
        """Read what earlier drivers committed; return the intents that they left without a record."""
        unfinished = []
        for one in announced(self.board.store, self._job, self.board.planned):
            self._next = one.number + 1
            if one.intent.mode == "again":
                self._take_back(one.intent)
                continue
            self._mode = one.intent.mode
            if one.done:
                self.committed |= set(one.intent.shards)
                self.rows += one.intent.rows
            else:
                unfinished.append(one.intent)
        self._unfinished = [one for one in unfinished if not set(one.shards) <= self.committed]
        return self._unfinished

    def again(self, shard: int, marker: Marker | None) -> None:
        """Forget that a shard was finished, durably where it was committed; it will be offered again.

        Its rows stay in the sink until the new ones replace them. ``marker`` is that of the last group, where there is one.
        """
        self._waiting.pop(shard, None)
        if shard in self.committed:
            counts = marker.stages.get(self._last, Counts()) if marker else Counts()
            taken_back = Intent(generation=self.board.generation, mode="again", shards=(shard,), rows=counts.done + counts.reused)
            self._announce(taken_back)
            self._next += 1
            self._take_back(taken_back)

    def _take_back(self, intent: Intent) -> None:
        self.committed -= set(intent.shards)
        self.redone |= set(intent.shards)
        self.rows -= intent.rows

    def _announce(self, intent: Intent) -> None:
        if not self.board.store.create(paths.sink_intent(self._job, self.board.planned, self._next), intent.model_dump_json().encode()):
            raise Fenced("another driver writes to the sink", help="look at it with `darner show`")

    def offer(self, shard: int, marker: Marker) -> None:
        """Take a shard that has passed the last group."""
        if shard not in self.committed:
            self._waiting[shard] = marker

    def commit(self, *, everything: bool = False) -> bool:
        """Write what is waiting, if that is enough for one commit (or everything is wanted); return whether it was.

        Raises:
            DamagedPart: a part isn't what was written; nothing of the commit has been.
            Fenced: another driver writes to the sink.
        """
        chosen = self._chosen(everything=everything)
        if not chosen:
            return False
        # All parts are read and checked before anything is said or written.
        tables = {shard: self._table(shard, self._waiting[shard]) for shard in chosen}
        self._open(tables)
        self._write(tables)
        for shard in chosen:
            del self._waiting[shard]
        return True

    def _chosen(self, *, everything: bool) -> list[int]:
        chosen, rows = [], 0
        for shard in sorted(self._waiting):
            chosen.append(shard)
            rows += self._waiting[shard].parts[self._last].rows
            if rows >= COMMIT_ROWS:
                return chosen
        return chosen if everything else []

    @property
    def _last(self) -> str:
        return list(self.plan.stages)[-1]

    def _table(self, shard: int, marker: Marker) -> pa.Table:
        try:
            part = read_outcome(self.board.store, marker, marker.parts[self._last])
        except DamagedPart:
            self._waiting.pop(shard, None)
            raise
        live = part.filter(compute.equal(part[STATE], DONE))
        names = [
            name for name in self.plan.datasets[self._sink.to].fields or live.schema.names if name in live.schema.names and name[0] != "_"
        ]
        stamped = live.select(names)
        return stamped.append_column(GENERATION, pa.array([self.board.generation] * len(live), pa.int64())).append_column(
            SHARD, pa.array([shard] * len(live), pa.int64())
        )

    def _open(self, tables: dict[int, pa.Table]) -> None:
        if self._schema is not None:
            return
        # A shard without rows may have been written without fields: it can't say what the table looks like.
        schema = next((table.schema for table in tables.values() if len(table.schema) > len(_STAMP)), None)
        if schema is None:
            return
        self._schema = plain(schema)
        self.sink.open(self._schema, self._key)
        self._found_rows = not isinstance(self.sink, Scannable) or self.sink.count() > 0
        for intent in self._unfinished:
            if intent.mode == "append":
                self.sink.remove_shards(intent.generation, intent.shards)
        if self._mode is None:
            self._mode = "append" if self.first_build and not self._found_rows else "upsert"

    def _write(self, tables: dict[int, pa.Table]) -> None:
        rows = sum(table.num_rows for table in tables.values())
        # What was done again is there already: only a merge by key doesn't write it twice.
        mode = "upsert" if self._mode is None or self.redone & set(tables) else self._mode
        intent = Intent(generation=self.board.generation, mode=mode, shards=tuple(tables), rows=rows)
        self._announce(intent)
        if rows:
            self._send(tables, intent.mode)
        self.board.store.create(paths.sink_done(self._job, self.board.planned, self._next), b"{}")
        self._next += 1
        self.committed |= set(tables)
        self.rows += rows

    def _send(self, tables: dict[int, pa.Table], mode: str) -> None:
        batches = _batches(self._schema, tables.values())
        if mode == "append":
            self.sink.append(batches)
        else:
            self.sink.upsert(batches, self._key)

    def finish(self, markers: Sequence[Marker]) -> None:
        """Build indexes and clean up, once. ``markers`` are those of the last group, which may all have been written before."""
        if self._opened(markers):
            self.sink.finish()

    def _opened(self, markers: Sequence[Marker]) -> bool:
        """Open the table of a run whose rows were all written by an earlier driver; return whether there is one."""
        some = next((one for one in markers if one.parts[self._last].rows), None)
        if self._schema is None and some is not None:
            self._open({some.shard: self._table(some.shard, some)})
        return self._schema is not None

    def delete(self, keys: Sequence[str]) -> None:
        """Remove rows by key; nothing happens for keys that aren't there."""
        if keys and self._schema is None:
            self._schema = self._known_schema()
            self.sink.open(self._schema, self._key)
        for start in range(0, len(keys), _DELETE_KEYS):
            self.sink.delete(keys[start : start + _DELETE_KEYS], self._key)

    def _known_schema(self) -> pa.Schema:
        """Return the sink's schema where this run writes no row: the one of the last stage's type."""
        from ..working.callables import stage_types  # noqa: PLC0415 - imports the spec's modules

        output = stage_types(self.plan, self.plan.stages[self._last]).output
        if output is None:
            raise Corrupt("no row of this run says what the sink's table looks like", help="run again when the source has a row")
        wanted = self.plan.datasets[self._sink.to].fields or output.schema.names
        fields = [output.schema.field(name) for name in wanted if name in output.schema.names]
        return plain(pa.schema([*fields, pa.field(GENERATION, pa.int64()), pa.field(SHARD, pa.int64())]))

    def filtered_keys(self, markers: Sequence[Marker]) -> list[str]:
        """Return the keys of rows that some stage filtered now: an earlier version of them may be in the sink."""
        found: list[Any] = []
        for marker in markers:
            for stage, counts in marker.stages.items():
                if counts.filtered:
                    part = read_outcome(self.board.store, marker, marker.parts[stage])
                    found += part.filter(compute.equal(part[STATE], FILTERED))[KEY].to_pylist()
        return found

    def delete_strangers(self, markers: Sequence[Marker]) -> None:
        """Remove what this plan of work did not write: what `replace` means."""
        if not self._opened(markers) or not isinstance(self.sink, Scannable):
            return
        strangers: list[Any] = []
        for batch in self.sink.scan([self._key, GENERATION]):
            older = compute.less(compute.fill_null(batch.column(1), -1), self.board.planned)
            strangers += batch.filter(older).column(0).to_pylist()
        self.delete(strangers)


def _batches(schema: pa.Schema | None, tables: Any) -> Iterator[pa.RecordBatch]:
    for table in tables:
        if table.num_rows:
            whole = pa.table([one_array(column) for column in table.columns], schema=table.schema)
            yield from (whole if schema is None else whole.cast(schema)).to_batches()
