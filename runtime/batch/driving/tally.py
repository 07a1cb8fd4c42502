"""What the markers in the store say so far: read as they appear, by the driver alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..groups import Group
from ..markers import Board
from ..model import Counts, Marker


class Tally:
    """The outcomes of all groups and shards, each marker of a finished one read once."""

    def __init__(self, board: Board, groups: tuple[Group, ...], shards: Mapping[int, int]) -> None:
        self.board = board
        self.groups = groups
        self.shards = shards
        """Rows by shard."""
        self.done: dict[int, dict[int, Marker]] = {group.number: {} for group in groups}

    def refresh(self) -> list[int]:
        """Read new markers; return the shards that have now passed the last group."""
        last = self.groups[-1].number
        before = set(self.done[last])
        for group, known in self.done.items():
            for shard in self.board.finished(group) - set(known):
                marker = self.board.read(group, shard)
                if marker is not None and marker.outcome == "done":
                    known[shard] = marker
        return sorted(set(self.done[last]) - before)

    def forget(self, group: int, shard: int) -> None:
        """Forget what a group and those after it made of a shard, here and in the store."""
        for one in range(group, len(self.groups)):
            self.done[one].pop(shard, None)
            self.board.forget(one, shard)

    def unfinished(self) -> dict[int, int]:
        """Return the shards that haven't passed the last group, each with the first group that it hasn't passed."""
        found = {}
        for shard in self.shards:
            open_groups = [group for group, known in self.done.items() if shard not in known]
            if open_groups:
                found[shard] = open_groups[0]
        return found

    def markers(self) -> Iterator[Marker]:
        """Yield every outcome that is known."""
        for known in self.done.values():
            yield from known.values()

    def outcomes_of_last_group(self) -> list[Marker]:
        """Return the outcomes whose parts go to the sink."""
        return list(self.done[self.groups[-1].number].values())

    def counts(self) -> dict[str, Counts]:
        """Return the rows by what happened to them, stage by stage."""
        sums: dict[str, Counts] = {stage: Counts() for group in self.groups for stage in group.stages}
        for marker in self.markers():
            for stage, one in marker.stages.items():
                sums[stage] = added(sums[stage], one)
        return sums

    def dead(self) -> int:
        """Return the number of dead letters."""
        return sum(one.dead for marker in self.markers() for one in marker.stages.values())

    def rows(self) -> int:
        """Return the number of rows whose shard has passed the last group."""
        return sum(self.shards[shard] for shard in self.done[self.groups[-1].number])

    def passed(self) -> float:
        """Return the share of the work that is done: each group counts alike."""
        work = sum(self.shards.values()) * len(self.groups)
        return sum(self.shards[marker.shard] for marker in self.markers()) / work if work else 1.0


def added(one: Counts, other: Counts) -> Counts:
    """Return the sum of two counts."""
    return Counts(
        done=one.done + other.done,
        reused=one.reused + other.reused,
        filtered=one.filtered + other.filtered,
        dead=one.dead + other.dead,
    )
