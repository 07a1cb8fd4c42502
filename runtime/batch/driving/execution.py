"""The work of a plan of work: waves of shards, the sink beside them, until every shard has an outcome."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ....compiler.plan import Compiled, JobPlan, ModelPlan, Plan
from ....compiler.quantities import format_size
from ....compiler.settings import FailureClass
from ....connectors.ports import Upsertable
from ...failures import Crashed, DarnerError, Exhausted, Fenced, StoreError
from ...journal import paths
from ...perform.processes.children import ProcessId
from ...perform.processes.groups import own_kills
from ...perform.world import SystemClock
from ...ports import Json, Progress, Store
from ..attempts import JobLedger
from ..ends import saying_end
from ..groups import Allowance, Group
from ..markers import Board
from ..model import Marker, Work
from ..order import FLUSH_SECONDS, GroupOrder, StoreAddress
from ..parts import DamagedPart, read_outcome, read_planned
from ..passing import heard
from ..policy import FailurePolicy
from ..report import Phases
from ..rows import Rows, rows_of_input, rows_of_part
from ..working.spending import Spending
from ..working.worker import WorkerOrder
from .background import InBackground
from .engine import Engine, run_wave
from .losing import Losses, Lost, failure_of
from .lost import is_empty
from .rungs import JobRungs
from .sink import SinkCommits
from .tally import Tally
from .waves import Waves

_ROUNDING = 1e-9
_LOOK_SECONDS = 0.25
"""How often the driver looks around while it waits before it tries a shard again."""
_WAITING_SECONDS = 2.0
"""How often the driver looks whether a worker waits for memory, until it has said so."""
_STOP_SECONDS = 30.0
"""How long shards under way are waited for when a run ends early."""
_HAND_OVER_SECONDS = 5.0
"""The same when somebody stops it: until then children have written what they made, and end with this process."""
_STORE_FAILURES = 2
"""So many waves in a row that got nowhere, since a worker couldn't use the store, or failed itself, end the run."""
_PROOF_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Execution:
    """Everything that the work of one driver needs."""

    compiled: Compiled
    work: Work
    generation: int
    store: Store
    address: StoreAddress
    sink: Upsertable
    engine: Engine
    groups: tuple[Group, ...]
    ladders: Mapping[int, tuple[Allowance, ...]]
    threads: int
    gpus: int
    progress: Progress
    phases: Phases
    params: Mapping[str, Json] = field(default_factory=dict)
    places: Mapping[str, ModelPlan] = field(default_factory=dict)
    folder: str = ""
    flush: float = FLUSH_SECONDS

    @property
    def job(self) -> JobPlan:
        """Return the job's ends and rules."""
        found = self.compiled.plan.job
        assert found is not None  # noqa: S101 - only plans with a job come here
        return found

    def board(self) -> Board:
        """Return the markers of this plan of work."""
        return Board(self.store, self.work.job, self.work.generation, self.generation)

    def orders(self) -> list[WorkerOrder]:
        """Return what the workers of each group are told."""
        driver = ProcessId.mine()
        return [WorkerOrder(self._order(group), self.ladders[group.number], self.threads, driver) for group in self.groups]

    def _order(self, group: Group) -> GroupOrder:
        before = self.groups[group.number - 1].stages[-1] if group.number else None
        return GroupOrder(
            job=self.work.job,
            planned=self.work.generation,
            generation=self.generation,
            group=group.number,
            stages=group.stages,
            before=before,
            store=self.address,
            compiled=self.compiled,
            params=dict(self.params),
            places=dict(self.places),
            folder=self.folder,
            flush=self.flush,
        )


class Run:
    """One driver's way through a plan of work."""

    def __init__(self, execution: Execution) -> None:
        self._told = execution
        self.tally = Tally(execution.board(), execution.groups, dict(enumerate(execution.work.shards)))
        plan = execution.compiled.plan
        self._policies = {name: FailurePolicy.of(name, stage.on_failure) for name, stage in plan.stages.items()}
        self._rungs = JobRungs(execution.store, plan, execution.groups, execution.ladders, execution.gpus)
        ledger = JobLedger(execution.store, execution.work.job, execution.work.generation, _asking(plan, execution.groups))
        self._waves = Waves(self.tally, execution.ladders, self._policies, self._spoilt, ledger, SystemClock(), first=self._rungs.first())
        self.commits = SinkCommits(execution.board(), execution.sink, execution.compiled.plan, execution.work.basis is None)
        self._orders = execution.orders()
        self.spending = Spending(execution.store, execution.work.job, execution.work.generation, plan)
        self._store_failures = 0
        self._looked = -math.inf

    def work(self, settle: Callable[[], None]) -> None:
        """Do everything that is left, into the sink, then settle, which may find parts damaged: their shards are done again.

        Raises the `DarnerError` that ends the run; what is done is kept.
        """
        self._begin()
        try:
            while not self._settled(settle):
                pass
        finally:  # a run that fails has learned, too
            with contextlib.suppress(StoreError):
                self.spending.note(at_last=True)
            self._rungs.learn(self._waves.worked, SystemClock().now())

    def _settled(self, settle: Callable[[], None]) -> bool:
        self._do_all()
        try:
            settle()
        except DamagedPart as damaged:
            self._again(damaged)
            return False
        return True

    def _do_all(self) -> None:
        while True:
            wave = self._waves.next()
            if wave:
                self._wave(wave)
            elif self.tally.unfinished():
                time.sleep(min(self._waves.pause(), _LOOK_SECONDS))
                self._tick()
            elif self._all_committed():
                return

    def _again(self, damaged: DamagedPart) -> None:
        """Have a shard done again from the group on whose part is damaged; the sink may have been given what it was before."""
        self._told.progress.note(f"{damaged.message}; shard {damaged.shard} is done again")
        # Taken back before it is forgotten: a kill in between must not leave a shard that counts as written.
        self.commits.again(damaged.shard, self._passed().get(damaged.shard))
        self._waves.again(damaged.shard, damaged.group, damaged.message)

    def _spoilt(self, shard: int, group: int) -> int:
        """Return the group that must do a shard again, since ``group`` found something damaged; `DamagedPlan` for its input."""
        read_planned(self._told.store, self._told.work.inputs[shard])
        if group and self.tally.board.read(group - 1, shard) is None:
            return group - 1
        try:
            self._entered(shard, group)
        except DamagedPart as damaged:
            return damaged.group
        return group

    def _begin(self) -> None:
        self.commits.recover()
        self._refresh()
        passed = self._passed()
        for shard in self.commits.committed - set(passed):
            self.commits.again(shard, None)  # its marker is damaged or gone: it is done again, and may come out differently
        with saying_end():
            lost = self.commits.rows > 0 and is_empty(self._told.sink)
        for shard in sorted(self.commits.committed) if lost else ():
            self.commits.again(shard, passed[shard])
            self.commits.offer(shard, passed[shard])
        self._waves.resume()

    def _passed(self) -> dict[int, Marker]:
        """Return the shards that have passed the last group."""
        return self.tally.done[self._told.groups[-1].number]

    def _refresh(self) -> None:
        for shard in self.tally.refresh():
            self.commits.offer(shard, self._passed()[shard])

    def _wave(self, wave: list[Any]) -> None:
        """Run one wave; meanwhile look at the markers, write to the sink, and see whether to go on."""
        self._told.store.put(paths.heartbeat(self._told.work.job, self._told.generation), b"{}")
        before, kills = self.tally.passed(), own_kills()
        failed = InBackground(lambda died: run_wave(wave, self._orders, self._told.engine, died))
        try:
            with self._told.phases.timed("rows"):
                while failed.running():
                    self._tick()
        except BaseException as ended:
            with contextlib.suppress(StoreError):  # what ended the run is to be told, not that nobody could be told to stop
                self.tally.board.stop()
            # What is under way is handed over: its rows so far are kept. A person isn't made to wait for long.
            failed.wait(_STOP_SECONDS if isinstance(ended, Exception) else _HAND_OVER_SECONDS)
            raise
        self._tick()
        progressed = self.tally.passed() > before
        killed = None if failed.error is None or self._explained(failed.error, progressed=progressed) else _ended_as(kills)
        for one in self._waves.judge(wave, killed=killed, progressed=progressed):
            self._lose(one)

    def _explained(self, raised: BaseException, *, progressed: bool) -> bool:
        """Return whether a wave that broke off did so for what a worker says, mostly of the store, and not for one that was killed.

        Raises `StoreError` where the store can't be written from here either, or what is said where two waves in a row got nowhere.
        """
        said = heard(raised)
        self._prove_store(said)
        if said is None:
            self._told.progress.note("a worker process was killed; its shards go into the next wave")
            return False
        if isinstance(said, Fenced):
            raise said
        self._store_failures = 0 if progressed else self._store_failures + 1
        if self._store_failures >= _STORE_FAILURES:
            raise said if isinstance(said, Crashed) else _unusable(said)
        self._told.progress.note(f"{said.message}; the shards of this wave go into the next one")
        return True

    def _prove_store(self, said: DarnerError | None) -> None:
        """Write as much as a shard's input is: a full disk may still take a marker."""
        name = paths.heartbeat(self._told.work.job, self._told.generation)
        try:
            self._told.store.put(name, bytes(min(_PROOF_BYTES, max(ref.size for ref in self._told.work.inputs))))
            self._told.store.put(name, b"{}")
        except StoreError as error:
            raise _unusable(said or error) from error

    def _tick(self) -> None:
        self._refresh()
        self._refuse_fenced()
        self._show()
        self._tell_waiting()
        self._refuse_too_many_dead(0, None)
        self.spending.note()
        if self.tally.unfinished():
            self.spending.refuse_over(self.tally.markers())
        self._commit(everything=False)

    def _tell_waiting(self) -> None:
        """Say, once, that a worker waits for memory: else nobody knows why nothing happens."""
        now = time.monotonic()
        if now - self._looked < _WAITING_SECONDS:
            return
        self._looked, found = now, self.tally.board.waiting()
        if found is not None:
            self._looked = math.inf
            size = format_size(found.memory)
            self._told.progress.note(
                f"a worker waits for {size} of memory: that of {found.host} is promised to others; it begins when there is room"
            )

    def _commit(self, *, everything: bool) -> bool:
        """Write to the sink while there is enough to write; return whether all of it was what had been written."""
        try:
            with self._told.phases.timed("sink"), saying_end():
                while self.commits.commit(everything=everything):
                    self._show()
        except DamagedPart as damaged:
            self._again(damaged)
            return False
        return True

    def _all_committed(self) -> bool:
        self._refuse_fenced()
        return self._commit(everything=True)

    def _refuse_fenced(self) -> None:
        if self.tally.board.fenced():
            raise Fenced("another driver took the job over; this one stops", help="look at it with `darner show`")

    def _refuse_too_many_dead(self, more: int, why: DarnerError | None) -> None:
        """End the run where dead letters are over `dead_letter.max`: of the rows planned, or with the source's own of all rows."""
        work, share = self._told.work, self._told.job.dead_letter_max
        dead = self.tally.dead() + more
        for found, of in ((dead, work.judged), (dead + work.broken + work.null_keys, work.source_rows)):
            if dead and found > share * of + _ROUNDING:
                raise why or Exhausted(
                    f"{found:,} of {of:,} rows are dead letters, over dead_letter.max {share * 100:g}%{self._example()}",
                    help="what was finished is kept; repair the rows or the stage, or raise dead_letter.max, and run again to go on",
                )

    def _example(self) -> str:
        for marker in self.tally.markers():
            if marker.dead is not None:
                with contextlib.suppress(DamagedPart):  # it is an example only
                    first = read_outcome(self._told.store, marker, marker.dead).slice(0, 1).to_pylist()[0]
                    return f"; for example {first['_key']}: stage {first['stage']}: {first['type']}: {first['message']}"
        return ""

    def _lose(self, lost: Lost) -> None:
        """Bury the rows of a shard that can't be done, leave them out, or end the run."""
        why = failure_of(lost)
        then = self._policies[lost.stage].then(lost.failure, used_up=True)
        if lost.failure == "error" or then == "fail":
            raise why
        try:
            rows = self._entered(lost.shard, lost.group)
        except DamagedPart as damaged:
            self._again(damaged)
            return
        losses, group = Losses(self._told.store, self._told.work), self._told.groups[lost.group]
        if then == "skip":
            self.tally.board.finish(losses.left_out(lost, group, rows))
            left = "left out"
        else:
            self._refuse_too_many_dead(len(rows), why)
            self.tally.board.finish(losses.buried(lost, group, rows))
            left = "dead letters"
        self._told.progress.note(f"shard {lost.shard}: {lost.message}; its {len(rows):,} rows are {left}")
        self._refresh()

    def _entered(self, shard: int, group: int) -> Rows:
        """Return what a group is handed of a shard; `DamagedPart` or `DamagedPlan` where that isn't what was written."""
        if group == 0:
            return rows_of_input(read_planned(self._told.store, self._told.work.inputs[shard]))
        before = self.tally.done[group - 1][shard]
        return rows_of_part(read_outcome(self._told.store, before, before.parts[self._told.groups[group - 1].stages[-1]]))

    def _used(self) -> tuple[int, int, Any]:
        used = self.spending.used(self.tally.markers())
        return used.calls, used.tokens, used.cost

    def _show(self) -> None:
        planned = sum(self._told.work.shards)
        self._told.progress.update(
            {
                "phase": "rows",
                "passed": self.tally.passed(),
                # Groups are a barrier on some runners: rows count by how far they are, not when they have arrived.
                "rows": round(self.tally.passed() * planned),
                "planned": planned,
                "shards": len(self.tally.done[self._told.groups[-1].number]),
                "shards_planned": len(self._told.work.shards),
                "written": self.commits.rows,
                "dead": self.tally.dead(),
                "stages": self.tally.counts(),
                "used": self._used(),
            }
        )


def _asking(plan: Plan, groups: tuple[Group, ...]) -> frozenset[int]:
    """Return the groups that ask models."""
    return frozenset(group.number for group in groups if any(":" not in plan.stages[stage].runs for stage in group.stages))


def _ended_as(kills: int | None) -> FailureClass:
    """Return as what a killed worker counts; ``kills``: how many the kernel had counted before, see `own_kills`."""
    now = own_kills()
    return "oom" if kills is not None and now is not None and now > kills else "crashed"


def _unusable(error: DarnerError) -> StoreError:
    help_text = error.help or "look at the store; what was finished is kept, run the same command again to go on"
    return StoreError(f"the store can't be used: {error.message}", help=help_text)
