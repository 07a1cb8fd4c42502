"""A job in miniature: real sources, a real store, and stages that copy their rows, so that planning can be looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from darner.compiler.plan import AgentPlan, DatasetPlan, JobPlan, Lock, Plan, SinkPlan, StagePlan
from darner.connectors.memory.table import Memory
from darner.connectors.ports import Place, SourceRange
from darner.runtime.batch.arrow import one_array
from darner.runtime.batch.canonical import canonical
from darner.runtime.batch.driving.finalise import finalise
from darner.runtime.batch.fingerprints import entering, leaving, stage_keys
from darner.runtime.batch.history import markers_of
from darner.runtime.batch.model import FINGERPRINT, KEY, LINEAGE, STATE, VERSION, Counts, Manifest, Marker, Work, memo_fingerprint
from darner.runtime.batch.outcomes import DEAD_SCHEMA
from darner.runtime.batch.parts import read_part, write_part
from darner.runtime.batch.planning.planning import JobCall, dry_run, plan_work
from darner.runtime.journal import paths
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store


class Item(BaseModel):
    """A row of the little shop."""

    id: str
    title: str
    price: float | None = None
    stock: int | None = None


ITEM = ("id", "title", "price", "stock")


def item(key: str, title: str = "a thing", price: float | None = 1.0, stock: int | None = 1) -> dict[str, Any]:
    """Return a row."""
    return {"id": key, "title": title, "price": price, "stock": stock}


@dataclass
class Shop:
    """A job over a source; `run` plans it and, with copying stages, carries it out."""

    folder: Path
    type: str
    fields: tuple[str, ...]
    key: str
    stages: dict[str, tuple[str, ...]]
    """Stage name to the fields that it reads; none means the whole row."""
    code: dict[str, str] = field(default_factory=dict)
    dataset: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    sink: dict[str, Any] = field(default_factory=dict)
    carries: frozenset[str] = frozenset()
    """Stages that are agents whose output extends their input: other fields pass by them."""
    dies: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    generation: int = 0
    called: dict[str, list[str]] = field(default_factory=dict)
    """Stage name to the keys for which it was called in the last run."""

    @property
    def store(self) -> Store:
        """The job's store."""
        return open_store(self.folder / "store")

    def call(self, **options: Any) -> JobCall:
        """Return the call as a driver would make it."""
        common = {"type": self.type, "key": self.key, "fields": self.fields}
        plan = Plan(
            plan="shop",
            datasets={
                "feed": DatasetPlan(use="memory", **common, **self.dataset),
                "out": DatasetPlan(use="memory", **common),
            },
            job=JobPlan(source="feed", sink=SinkPlan(to="out", **self.sink), **self.job),
            agents={
                name: AgentPlan(model="m", prompt="p", input=self.type, output=self.type, reads=self.stages[name], new_fields=())
                for name in self.carries
            },
            stages={
                name: StagePlan(
                    shape="row", runs=name if name in self.carries else f"shop:{name}", reads=reads, fields=self.fields, output=self.type
                )
                for name, reads in self.stages.items()
            },
        )
        codes = {f"shop:{name}": self.code.get(name, "1") for name in self.stages}
        return JobCall(plan, {}, Lock(callables=codes), self.store, "shop", **options)

    def plan(self, source: Any, **options: Any) -> Work:
        """Return the plan of work of a new driver start."""
        self.generation += 1
        self.store.create(paths.generation_claim("shop", self.generation), b"{}")
        return plan_work(self.call(**options), source, self.generation)

    def run(self, source: Any, **options: Any) -> Work:
        """Plan, carry out, finalise."""
        work = self.plan(source, **options)
        if not work.nothing_to_do:
            self.carry_out(work)
            self.finish(work)
        else:
            self.called = {name: [] for name in self.stages}
        return work

    def dry(self, source: Any, **options: Any) -> Any:
        """Return what a run would do."""
        return dry_run(self.call(**options), source)

    def finish(self, work: Work) -> Manifest:
        """Record a carried-out plan of work."""
        return finalise(self.store, work, list(markers_of(self.store, "shop", work.generation)))

    def carry_out(self, work: Work, shards: Sequence[int] | None = None, *, sink: bool = True) -> None:
        """Do shards as the executing half does: one group, a part a stage, reusing what the memo says."""
        self.called = {name: [] for name in self.stages}
        for shard in range(len(work.shards)) if shards is None else shards:
            self._shard(work, shard)
        if sink:
            self.store.put(paths.sink_intent("shop", work.generation, 0), b"{}")

    def _shard(self, work: Work, shard: int) -> None:
        call = self.call()
        rows = read_part(self.store, work.inputs[shard])
        lineage = one_array(rows[VERSION])
        parts, dead = {}, []
        for stage in stage_keys(call.plan, {}, call.lock):
            columns = {name: one_array(rows[name]) for name in self.fields if name in rows.schema.names}
            prints = entering(stage, columns, lineage)
            memo = (
                rows[memo_fingerprint(stage.name)].to_pylist()
                if memo_fingerprint(stage.name) in rows.schema.names
                else [None] * len(prints)
            )
            keys: list[Any] = rows[KEY].to_pylist()
            fresh = [key for key, one, old in zip(keys, prints.to_pylist(), memo, strict=True) if one != old]
            self.called[stage.name] += fresh
            dead += [key for key in keys if key in self.dies]
            keep = pa.array([key not in self.dies for key in keys], pa.bool_())
            behind = leaving(stage, prints, lineage)
            states = pa.array(["filtered" if key in self.filters else "done" for key in keys])
            table = pa.table({KEY: rows[KEY], VERSION: rows[VERSION], FINGERPRINT: prints, STATE: states, LINEAGE: behind})
            for name, column in columns.items():
                table = table.append_column(name, column)
            table = table.filter(keep)
            parts[stage.name] = write_part(self.store, paths.part("shop", work.generation, stage.name, shard), table)
            on = pa.array([key not in self.dies and key not in self.filters for key in keys], pa.bool_())
            rows, lineage = rows.filter(on), one_array(behind.filter(on))
        ref = None
        if dead:
            letters = [
                {"_key": key, "stage": "x", "failure": "error", "type": "ValueError", "message": "no", "attempts": 1, "input": "{}"}
                for key in dead
            ]
            ref = write_part(self.store, paths.dead("shop", work.generation, 0, shard), pa.Table.from_pylist(letters, schema=DEAD_SCHEMA))
        marker = Marker(shard=shard, group=0, attempt=1, outcome="done", parts=parts, dead=ref, stages={"x": Counts(done=1)})
        self.store.create(paths.marker("shop", work.generation, 0, shard), marker.model_dump_json().encode())


def shop(folder: Path, stages: Mapping[str, tuple[str, ...]] | None = None, **settings: Any) -> Shop:
    """Return a job over `Item` rows: it normalises whole rows, then enriches by title."""
    return Shop(folder, f"{__name__}:Item", ITEM, "id", dict(stages or {"normalise": (), "enrich": ("title",)}), **settings)


def rows(*items: dict[str, Any]) -> Memory:
    """Return rows as a source."""
    return Memory(rows=items, name="feed.csv", key="id")


@dataclass
class Tables:
    """Arrow tables as a source, each a file with ranges of its own."""

    tables: Sequence[pa.Table]
    batch_rows: int = 10_000

    def ranges(self) -> list[SourceRange]:
        """Return one range a table."""
        return [SourceRange(number, f"{number}.parquet") for number in range(len(self.tables))]

    def columns(self) -> list[str]:
        """Return the first table's columns."""
        return list(self.tables[0].schema.names)

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        """Yield a table's batches."""
        table = self.tables[part.number]
        first = 1
        for batch in table.select(list(columns or table.schema.names)).to_batches(self.batch_rows):
            yield Place(part.file, first), batch
            first += batch.num_rows

    def identity(self) -> str:
        """Return a name."""
        return "tables"


def plain_hash(values: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return a hash that has nothing in common with the house's but that it is over the same fields."""
    return hashlib.sha256(repr([(name, values[name]) for name in sorted(names)]).encode()).hexdigest()


__all__ = ["ITEM", "Item", "Shop", "Tables", "canonical", "item", "plain_hash", "rows", "shop"]
