"""Waves: what is tried in the next one, at which attempt and rung, and what the last one has taught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ....compiler.settings import FailureClass
from ...failures import Corrupt, Exhausted
from ...perform.world import moment
from ...ports import Clock
from ...retry import Attempts
from ..attempts import How, JobLedger, Tried
from ..groups import Allowance
from ..model import Marker, ShardRef
from ..policy import FailurePolicy
from ..working.kept import flushed_by
from .losing import Lost
from .tally import Tally

SUSPECT_AFTER = 2
"""A shard that was under way in so many killed waves goes alone from then on."""
QUARANTINE_AFTER = 2
"""A shard that was alone in so many killed waves is not tried again."""
KILLED_IN_A_ROW = 8
"""So many killed waves without one shard done: the machine is at fault, not a shard."""
IDLE_IN_A_ROW = 8
"""So many waves in which no worker began anything, though none was killed: none ever will."""
HEALED_AT_MOST = 3
"""A shard of which some part is damaged so often is not made again: the store is at fault."""

Tries = dict[int, tuple[int, int]]


@dataclass
class Waves:
    """Decides about waves, from the markers that the last one left."""

    tally: Tally
    ladders: Mapping[int, tuple[Allowance, ...]]
    policies: Mapping[str, FailurePolicy]
    """Of each stage."""
    spoilt: Callable[[int, int], int]
    """Given a shard and a group that found something damaged: from which group on it must be done again."""
    ledger: JobLedger
    clock: Clock
    timer: Callable[[], float] = moment
    """A clock that never jumps, for waits; in seconds."""
    tries: dict[int, Tries] = field(default_factory=dict)
    crashes: Counter[tuple[int, int]] = field(default_factory=Counter)
    kills: Counter[int] = field(default_factory=Counter)
    alone: Counter[int] = field(default_factory=Counter)
    worked: dict[int, int] = field(default_factory=dict)
    first: Mapping[int, int] = field(default_factory=dict)
    """The rung that each group begins with; the base where it isn't named."""
    taken: Counter[tuple[int, int]] = field(default_factory=Counter)
    heals: Counter[int] = field(default_factory=Counter)
    until: dict[int, float] = field(default_factory=dict)
    """When a shard that is waited for may be tried again, by ``timer``."""
    killed_in_a_row: int = 0
    idle_in_a_row: int = 0

    def resume(self) -> None:
        """Begin where an earlier driver stopped: attempts are counted on; a rung that was too small isn't tried again."""
        self._remember_rungs()
        for group in self.tally.groups:
            started = self.tally.board.started(group.number)
            for shard in self.tally.shards:
                if shard in started and shard not in self.tally.done[group.number]:
                    marker = self.tally.board.read(group.number, shard)
                    self._found(Tried(group.number, shard, started[shard]), marker)
                    self._try(shard, group.number, started[shard] + 1, self._rung_after(group.number, marker))

    def _found(self, tried: Tried, marker: Marker | None) -> None:
        """Count the newest attempt of an earlier driver: it may have had no time to."""
        if marker is not None and marker.attempt >= tried.attempt:
            if marker.failure is not None:
                self.ledger.failed(Tried(*tried[:2], marker.attempt), marker.failure, "failed", seconds=marker.seconds)
        else:
            told = self.tally.board.was_told_to_stop(self.tally.board.begun(tried.group, ShardRef(tried.shard, tried.attempt)))
            self.ledger.failed(tried, "preempted" if told else "crashed", "unseen")
        self.crashes[tried.group, tried.shard] = self.ledger.crashes(tried.group, tried.shard)

    def _rung_after(self, group: int, marker: Marker | None) -> int:
        if marker is None or marker.failure != "oom":
            return marker.rung if marker else self._first(group)
        return min(marker.rung + 1, self._last_rung(marker.group))

    def _last_rung(self, group: int) -> int:
        return len(self.ladders[group]) - 1

    def _first(self, group: int) -> int:
        """Return the rung for a shard that hasn't been tried: what others needed, in this run or before it."""
        return self.worked.get(group, self.first.get(group, 0))

    def next(self) -> list[tuple[int, Tries]]:
        """Return the elements of the next wave; suspects wait until the others are done, then go one by one.

        Those that are waited for (`pause`) stay behind while others are ready.
        """
        return [(shard, self._tries(shard)) for shard in self._candidates() if self._pause(shard) <= 0]

    def pause(self) -> float:
        """Return the seconds for which nothing can be tried, since everything that is left has crashed just now."""
        waits = [self._pause(shard) for shard in self._candidates()]
        return max(waits, default=0.0) if all(wait > 0 for wait in waits) else 0.0

    def _pause(self, shard: int) -> float:
        return max(0.0, self.until[shard] - self.timer()) if shard in self.until else 0.0

    def _candidates(self) -> list[int]:
        unfinished = self.tally.unfinished()
        calm = [shard for shard in unfinished if self.kills[shard] < SUSPECT_AFTER]
        return calm or list(unfinished)[:1]

    def _tries(self, shard: int) -> Tries:
        known = self.tries.get(shard, {})
        return {group.number: known.get(group.number, (1, self._first(group.number))) for group in self.tally.groups}

    def _try(self, shard: int, group: int, attempt: int, rung: int) -> None:
        self.tries.setdefault(shard, {})[group] = (attempt, rung)

    def judge(self, wave: list[tuple[int, Tries]], *, killed: FailureClass | None, progressed: bool) -> list[Lost]:
        """Learn from a wave that has ended; return the shards that won't be tried again.

        ``killed``: as what the end of a worker counts, where one was killed.

        Raises:
            DamagedPlan: a shard's input is damaged.
            Corrupt: a shard's parts are damaged again and again.
            Exhausted: waves are killed again and again, whatever is in them, or nothing is begun in them.
        """
        if killed and self._was_preempted(wave):
            killed = "preempted"
        self.killed_in_a_row = 0 if progressed or killed in {None, "preempted"} else self.killed_in_a_row + 1
        if self.killed_in_a_row >= KILLED_IN_A_ROW:
            raise Exhausted(
                f"{KILLED_IN_A_ROW} waves in a row were killed before one shard was done",
                help="something on this machine kills the workers: look at its memory (dmesg) and limits, then run again",
            )
        self.idle_in_a_row = 0 if progressed or killed or self._has_begun(wave) else self.idle_in_a_row + 1
        if self.idle_in_a_row >= IDLE_IN_A_ROW:
            raise Exhausted(
                f"{IDLE_IN_A_ROW} waves in a row ended, and no worker had begun a shard",
                help="workers begin nothing where they find no driver: each machine needs a name of its own, and the same darner",
            )
        unfinished = self.tally.unfinished()
        found = [
            self._judged(shard, unfinished[shard], tries, killed=killed, single=len(wave) == 1)
            for shard, tries in wave
            if shard in unfinished
        ]
        self._remember_rungs()
        return [one for one in found if one is not None]

    def _has_begun(self, wave: list[tuple[int, Tries]]) -> bool:
        """Return whether a worker has begun something of a wave."""
        started = {group.number: self.tally.board.started(group.number) for group in self.tally.groups}
        return any(started[group].get(shard, 0) >= attempt for shard, tries in wave for group, (attempt, _) in tries.items())

    def _was_preempted(self, wave: list[tuple[int, Tries]]) -> bool:
        """Return whether some worker of a wave said that it had to leave."""
        unfinished = self.tally.unfinished()
        markers = ((self.tally.board.read(unfinished[shard], shard), tries) for shard, tries in wave if shard in unfinished)
        return any(one is not None and one.failure == "preempted" and one.attempt >= tries[one.group][0] for one, tries in markers)

    def _judged(self, shard: int, group: int, tries: Tries, *, killed: FailureClass | None, single: bool) -> Lost | None:
        marker = self.tally.board.read(group, shard)
        attempt, rung = tries[group]
        if marker is None or marker.attempt < attempt:
            return self._unmarked(Tried(group, shard, attempt), rung, killed=killed, single=single)
        if marker.outcome == "done":
            return None  # by a worker that outlived its wave: the next look at the markers counts it
        return self._failed(marker, attempt, rung)

    def _unmarked(self, tried: Tried, rung: int, *, killed: FailureClass | None, single: bool) -> Lost | None:
        group, shard, attempt = tried
        if self.tally.board.started(group).get(shard, 0) < attempt:
            return None
        self._try(shard, group, attempt + 1, rung)
        return self._killed(tried, killed, single=single) if killed else None

    def _failed(self, marker: Marker, attempt: int, rung: int) -> Lost | None:
        shard, group, failure = marker.shard, marker.group, marker.failure
        if failure is None:
            self.again(shard, self.spoilt(shard, group), marker.message or "a part is damaged")
            return None
        wait = self._wait(marker, rung)
        how: How = "last" if wait is None else "failed"
        self.ledger.failed(Tried(group, shard, marker.attempt), failure, how, seconds=marker.seconds, waited=wait or 0.0)
        if wait is None:
            return Lost(shard, group, failure, marker.message or failure, attempt, self._stage(shard, group, attempt))
        self.until[shard] = self.timer() + wait
        self._try(shard, group, attempt + 1, rung + 1 if failure == "oom" else rung)
        return None

    def _wait(self, marker: Marker, rung: int) -> float | None:
        """Return the seconds before a shard that failed is tried again, as its stage's reaction says; None where it isn't."""
        shard, group = marker.shard, marker.group
        policy = self.policies[self._stage(shard, group, marker.attempt)]
        match marker.failure:
            case "oom":
                return 0.0 if rung < self._last_rung(group) else None
            case "crashed":
                self.crashes[group, shard] += 1
                return policy.process_wait("crashed", Attempts(failed=self.crashes[group, shard]))
            case "preempted":  # no attempt; only where it never ends, and nothing comes of it, is it a failure
                self.taken[group, shard] += 1
                return policy.process_wait("preempted", Attempts(taken=self.taken[group, shard]))
            case _:
                return None

    def _stage(self, shard: int, group: int, attempt: int) -> str:
        """Return the stage that an attempt at a shard was at last."""
        return self.tally.board.reached(group, ShardRef(shard, attempt), self.tally.groups[group].stages)

    def _killed(self, tried: Tried, killed: FailureClass, *, single: bool) -> Lost | None:
        """Count an attempt that left no marker, since its worker was killed; nobody knows whether it was to blame unless it was alone."""
        group, shard, attempt = tried
        if killed != "preempted":
            self.kills[shard] += 1
            self.alone[shard] += single
        stage = self._stage(shard, group, attempt)
        is_last = killed != "preempted" and self.alone[shard] >= QUARANTINE_AFTER
        wait = 0.0 if is_last or killed == "preempted" else self.policies[stage].crash_wait(self.kills[shard])
        began = self.tally.board.begun(group, ShardRef(shard, attempt)).at
        seconds = 0.0 if began is None else self.clock.now() - began
        self.ledger.failed(tried, killed, "unseen", seconds=seconds, waited=wait)
        self.until[shard] = self.timer() + wait
        if not is_last:
            return None
        said = f"its worker was killed {self.kills[shard]} times, {self.alone[shard]} times alone"
        return Lost(shard, group, killed, said, attempt, stage)

    def again(self, shard: int, group: int, why: str) -> None:
        """Have a shard done once more from a group on: something of it isn't what was written. `Corrupt` where that never ends."""
        self.heals[shard] += 1
        if self.heals[shard] > HEALED_AT_MOST:
            raise Corrupt(
                f"{why}; shard {shard} was done again {HEALED_AT_MOST} times, and something of it was damaged each time",
                help="the store doesn't keep what it is given: look at its disk or bucket, then run again to go on",
            )
        for one in self.tally.groups[group:]:
            marker = self.tally.board.read(one.number, shard)
            if marker is not None and marker.outcome == "done":
                self.ledger.made(marker, flushed_by(self.ledger.store, marker, self.ledger.job, self.ledger.planned))
        self.tally.forget(group, shard)
        for one in self.tally.groups[group:]:
            begun = self.tally.board.started(one.number).get(shard, 0)
            self._try(shard, one.number, begun + 1, self._first(one.number))

    def _remember_rungs(self) -> None:
        for group, known in self.tally.done.items():
            if known:
                self.worked[group] = max(one.rung for one in known.values())
