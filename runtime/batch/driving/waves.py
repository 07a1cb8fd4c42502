"""Waves: what is tried in the next one, at which attempt and rung, and what the last one has taught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...failures import Corrupt, Exhausted
from ...retry import TAKEN_AT_MOST
from ..groups import Allowance
from ..model import Marker, ShardRef
from ..policy import FailurePolicy
from .losing import Lost
from .tally import Tally

SUSPECT_AFTER = 2
"""A shard that was under way in so many killed waves goes alone from then on."""
QUARANTINE_AFTER = 2
"""A shard that was alone in so many killed waves is not tried again."""
KILLED_IN_A_ROW = 8
"""So many killed waves without one shard done: the machine is at fault, not a shard."""
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
    tries: dict[int, Tries] = field(default_factory=dict)
    crashes: Counter[tuple[int, int]] = field(default_factory=Counter)
    kills: Counter[int] = field(default_factory=Counter)
    alone: Counter[int] = field(default_factory=Counter)
    worked: dict[int, int] = field(default_factory=dict)
    first: Mapping[int, int] = field(default_factory=dict)
    """The rung that each group begins with; the base where it isn't named."""
    taken: Counter[tuple[int, int]] = field(default_factory=Counter)
    heals: Counter[int] = field(default_factory=Counter)
    killed_in_a_row: int = 0

    def resume(self) -> None:
        """Begin where an earlier driver stopped: attempts are counted on; a rung that was too small isn't tried again."""
        self._remember_rungs()
        for group in self.tally.groups:
            started = self.tally.board.started(group.number)
            for shard in self.tally.shards:
                if shard in started and shard not in self.tally.done[group.number]:
                    marker = self.tally.board.read(group.number, shard)
                    self._try(shard, group.number, started[shard] + 1, self._rung_after(group.number, marker))

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
        """Return the elements of the next wave; suspects wait until the others are done, then go one by one."""
        unfinished = self.tally.unfinished()
        calm = [shard for shard in unfinished if self.kills[shard] < SUSPECT_AFTER]
        return [(shard, self._tries(shard)) for shard in calm or list(unfinished)[:1]]

    def _tries(self, shard: int) -> Tries:
        known = self.tries.get(shard, {})
        return {group.number: known.get(group.number, (1, self._first(group.number))) for group in self.tally.groups}

    def _try(self, shard: int, group: int, attempt: int, rung: int) -> None:
        self.tries.setdefault(shard, {})[group] = (attempt, rung)

    def judge(self, wave: list[tuple[int, Tries]], *, killed: bool, progressed: bool) -> list[Lost]:
        """Learn from a wave that has ended; return the shards that won't be tried again.

        Raises:
            DamagedPlan: a shard's input is damaged.
            Corrupt: a shard's parts are damaged again and again.
            Exhausted: waves are killed again and again, whatever is in them.
        """
        self.killed_in_a_row = 0 if progressed or not killed or self._was_preempted(wave) else self.killed_in_a_row + 1
        if self.killed_in_a_row >= KILLED_IN_A_ROW:
            raise Exhausted(
                f"{KILLED_IN_A_ROW} waves in a row were killed before one shard was done",
                help="something on this machine kills the workers: look at its memory (dmesg) and limits, then run again",
            )
        unfinished = self.tally.unfinished()
        found = [
            self._judged(shard, unfinished[shard], tries, killed=killed, single=len(wave) == 1)
            for shard, tries in wave
            if shard in unfinished
        ]
        self._remember_rungs()
        return [one for one in found if one is not None]

    def _was_preempted(self, wave: list[tuple[int, Tries]]) -> bool:
        """Return whether some worker of a wave said that it had to leave."""
        unfinished = self.tally.unfinished()
        markers = ((self.tally.board.read(unfinished[shard], shard), tries) for shard, tries in wave if shard in unfinished)
        return any(one is not None and one.failure == "preempted" and one.attempt >= tries[one.group][0] for one, tries in markers)

    def _judged(self, shard: int, group: int, tries: Tries, *, killed: bool, single: bool) -> Lost | None:
        marker = self.tally.board.read(group, shard)
        if marker is None or marker.attempt < tries[group][0]:
            return self._unmarked(shard, group, tries[group], killed=killed, single=single)
        if marker.outcome == "done":
            return None  # by a worker that outlived its wave: the next look at the markers counts it
        return self._failed(marker, *tries[group])

    def _unmarked(self, shard: int, group: int, tried: tuple[int, int], *, killed: bool, single: bool) -> Lost | None:
        attempt, rung = tried
        if self.tally.board.started(group).get(shard, 0) < attempt:
            return None
        self._try(shard, group, attempt + 1, rung)
        return self._killed(shard, group, attempt, single=single) if killed else None

    def _failed(self, marker: Marker, attempt: int, rung: int) -> Lost | None:
        shard, group = marker.shard, marker.group
        match marker.failure:
            case None:
                self.again(shard, self.spoilt(shard, group), marker.message or "a part is damaged")
                return None
            case "oom" if rung < self._last_rung(group):
                self._try(shard, group, attempt + 1, rung + 1)
                return None
            case "crashed" if self._may_crash_again(marker):
                self._try(shard, group, attempt + 1, rung)
                return None
            case "preempted" if self._may_be_taken_again(shard, group):
                self._try(shard, group, attempt + 1, rung)
                return None
            case failure:
                return Lost(shard, group, failure, marker.message or failure, attempt, self._stage(shard, group, attempt))

    def _stage(self, shard: int, group: int, attempt: int) -> str:
        """Return the stage that an attempt at a shard was at last."""
        return self.tally.board.reached(group, ShardRef(shard, attempt), self.tally.groups[group].stages)

    def _may_crash_again(self, marker: Marker) -> bool:
        shard, group = marker.shard, marker.group
        self.crashes[group, shard] += 1
        reactions = self.policies[self._stage(shard, group, marker.attempt)].reactions
        return self.crashes[group, shard] < (reactions["crashed"].attempts or 1)

    def _may_be_taken_again(self, shard: int, group: int) -> bool:
        """Being asked to leave is no attempt; only where it never ends, and nothing comes of it, is it a failure."""
        self.taken[group, shard] += 1
        return self.taken[group, shard] < TAKEN_AT_MOST

    def _killed(self, shard: int, group: int, attempt: int, *, single: bool) -> Lost | None:
        self.kills[shard] += 1
        self.alone[shard] += single
        if self.alone[shard] < QUARANTINE_AFTER:
            return None
        said = f"its worker was killed {self.kills[shard]} times, {self.alone[shard]} times alone"
        return Lost(shard, group, "crashed", said, attempt, self._stage(shard, group, attempt))

    def again(self, shard: int, group: int, why: str) -> None:
        """Have a shard done once more from a group on: something of it isn't what was written. `Corrupt` where that never ends."""
        self.heals[shard] += 1
        if self.heals[shard] > HEALED_AT_MOST:
            raise Corrupt(
                f"{why}; shard {shard} was done again {HEALED_AT_MOST} times, and something of it was damaged each time",
                help="the store doesn't keep what it is given: look at its disk or bucket, then run again to go on",
            )
        self.tally.forget(group, shard)
        for one in self.tally.groups[group:]:
            begun = self.tally.board.started(one.number).get(shard, 0)
            self._try(shard, one.number, begun + 1, self._first(one.number))

    def _remember_rungs(self) -> None:
        for group, known in self.tally.done.items():
            if known:
                self.worked[group] = max(one.rung for one in known.values())
