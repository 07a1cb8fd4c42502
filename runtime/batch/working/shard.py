"""A group of stages over one shard, inside a child process: parts in, parts out, and what is to be marked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ....compiler.plan import StagePlan
from ...failures import Corrupt
from ...journal import paths
from ...perform.processes.leaving import Notice
from ...ports import Json, Store
from ..fingerprints import stage_keys
from ..markers import Board
from ..model import Counts, Marker, PartRef, ShardRef, Work
from ..order import GroupOrder
from ..outcomes import DEAD_SCHEMA, DeadLetter
from ..parts import read_part, write_part
from ..policy import FailurePolicy
from ..rows import NO_ROWS, Rows, rows_of_input, rows_of_part
from .agent_stage import AgentStages
from .arrow_stage import ArrowCaller
from .callables import DEFAULT_BATCH, DEFAULT_CONCURRENCY, AsyncCaller, BatchCaller, Caller, RowCaller, StageTypes, built, stage_types
from .kept import Keeper
from .metering import Meter
from .remembered import Memory
from .stage import Stage, run_stage


class GroupRunner:
    """Runs one group's stages. Built once a process, since classes among the callables are; ``setup`` is a `GroupOrder`."""

    def __init__(self, setup: Json) -> None:
        self.order = GroupOrder.model_validate(setup)
        self.store = self.order.store.open()
        work = Work.model_validate_json(self.store.get(paths.work(self.order.job, self.order.planned)))
        self.inputs = work.inputs
        compiled = self.order.compiled
        keys = {key.name: key for key in stage_keys(compiled.plan, self.order.params, compiled.lock)}
        self.meter, self.notice = Meter(), Notice()
        self.notice.stand()
        maker = _CallerMaker(self.order, asyncio.Runner(), self.meter)
        self.stages = []
        for name in self.order.stages:
            types = stage_types(compiled.plan, compiled.plan.stages[name])
            self.stages.append(Stage(name, keys[name], types, maker.caller(name, types)))

    def __call__(self, request: Json) -> Json:
        """Compute one shard's parts; the reply is what its marker says, as JSON. ``batch`` is the rung's, or None.

        Raises `Preempted` where the process is asked to leave meanwhile; what was made until then is kept.
        """
        ref = ShardRef(request["shard"], request["attempt"], request["rung"])
        keeper = Keeper(self.store, self.order.job, self.order.planned, ref.shard, self.order.flush, self.meter, self.notice)
        run = _ShardRun(self.order, self.store, ref, self.inputs[ref.shard], keeper)
        marker = self.notice.preempting(lambda: run.kept(self.stages, request["batch"]))
        return marker.model_copy(update=(keeper.used + self.meter.taken()).as_dict()).model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class _CallerMaker:
    order: GroupOrder
    runner: asyncio.Runner
    meter: Meter

    def caller(self, name: str, types: StageTypes) -> Caller | ArrowCaller:
        order = self.order
        stage = order.compiled.plan.stages[name]
        if ":" not in stage.runs:
            return AgentStages(order.compiled, order.params, order.places, self.runner, self.meter).caller(name, types)
        policy = FailurePolicy.of(name, stage.on_failure, self.meter.fail)
        function = built(stage, order.params)
        if stage.shape == "arrow":
            return ArrowCaller(function, policy, stage.batch, types.output.schema if types.output else None)
        return self._row_caller(stage, function, types, policy)

    def _row_caller(self, stage: StagePlan, function: Any, types: StageTypes, policy: FailurePolicy) -> Caller:
        output = types.output
        assert output is not None  # noqa: S101 - only Arrow stages have no row types
        if stage.shape == "batch":
            return BatchCaller(function, output, policy, stage.batch or DEFAULT_BATCH)
        filters = stage.shape == "filter"
        if stage.is_async:
            return AsyncCaller(function, output, policy, self.runner, stage.concurrency or DEFAULT_CONCURRENCY, filters)
        return RowCaller(function, output, policy, filters)


@dataclass(frozen=True, slots=True)
class _ShardRun:
    order: GroupOrder
    store: Store
    ref: ShardRef
    input: PartRef
    keeper: Keeper

    def kept(self, stages: list[Stage], batch: int | None) -> Marker:
        """Do what `marker` does; where the shard ends early, what was made of it is kept."""
        try:
            return self.marker(stages, batch)
        except MemoryError:
            raise  # what it left behind is unknown
        except BaseException:
            self.keeper.save()
            raise

    def marker(self, stages: list[Stage], batch: int | None) -> Marker:
        """Run the stages, write a part for each, then the dead letters; the marker itself is the worker's to write."""
        if self.ref.attempt > 1:
            self.keeper.recover(self.order.stages)
        source = read_part(self.store, self.input)
        rows, memory = self._entering(source), Memory(source, self.store)
        parts, counts, dead = {}, {}, list[DeadLetter]()
        for stage in stages:
            if stage is not stages[0]:
                self._board.reach(self.order.group, self.ref, stage.name)
            if not len(rows):
                parts[stage.name], counts[stage.name] = write_part(self.store, self._part(stage.name), NO_ROWS), Counts()
                continue
            passed = run_stage(stage, rows, memory, batch, self.keeper)
            parts[stage.name] = write_part(self.store, self._part(stage.name), passed.part)
            counts[stage.name] = passed.counts
            dead += passed.dead
            rows = passed.rows
        ref = self.ref
        return Marker(
            shard=ref.shard, group=self.order.group, attempt=ref.attempt, rung=ref.rung, outcome="done",
            stages=counts, parts=parts, dead=self._buried(dead),
        )  # fmt: skip

    def _entering(self, source: pa.Table) -> Rows:
        if self.order.before is None:
            return rows_of_input(source)
        before = self._board.read(self.order.group - 1, self.ref.shard)
        if before is None or self.order.before not in before.parts:
            raise Corrupt(f"the marker of group {self.order.group - 1} for shard {self.ref.shard} is damaged")
        return rows_of_part(read_part(self.store, before.parts[self.order.before]))

    @property
    def _board(self) -> Board:
        return Board(self.store, self.order.job, self.order.planned, self.order.generation)

    def _part(self, stage: str) -> str:
        return paths.part(self.order.job, self.order.planned, stage, self.ref.shard)

    def _buried(self, dead: list[DeadLetter]) -> PartRef | None:
        if not dead:
            return None
        name = paths.dead(self.order.job, self.order.planned, self.order.group, self.ref.shard)
        return write_part(self.store, name, pa.Table.from_pylist([one.row() for one in dead], schema=DEAD_SCHEMA))
