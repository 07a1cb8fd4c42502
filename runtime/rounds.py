"""Loops as a journal tells them: the round that each is in, its state, and what belongs to which round.

A loop's round is a scope of its own: what is in it has the paths ``improve/2/review``, ``improve/2/rank[3]``. Once the next
round begins nothing of the one before is needed, so a run's state doesn't grow with the number of rounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from .events import RoundStarted
from .ports import Json


@dataclass(frozen=True, slots=True)
class Round:
    """The round that a loop is in. ``value`` is its state, or ``blob`` the digest of the object that holds it."""

    number: int
    value: Json = None
    blob: str | None = None


def scope(path: str) -> str:
    """Return the scope of a step's path: ``improve/2`` for ``improve/2/review``, empty for a step of the flow itself."""
    return path.rpartition("/")[0]


def enclosing(path: str) -> tuple[str, ...]:
    """Return the paths of the loops that a step is in, outermost first, and then its own."""
    if "/" not in path:
        return (path,)
    parts = path.split("/")
    return (*("/".join(parts[:end]) for end in range(1, len(parts), 2)), path)


def inside(path: str, number: int) -> str:
    """Return the scope of one round of a loop."""
    return f"{path}/{number}"


@dataclass
class Rounds:
    """Every loop's round, by the loop's path; and the paths that are in each round's scope."""

    now: dict[str, Round] = field(default_factory=dict)
    _members: defaultdict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def note(self, path: str) -> None:
        """Note that something is known of a path."""
        if "/" in path:
            self._members[scope(path)][path] = None

    def begin(self, event: RoundStarted) -> Round | None:
        """Begin a round, and return the one before."""
        self.note(event.step)
        before = self.now.get(event.step)
        self.now[event.step] = Round(event.round, event.value, event.blob)
        return before

    def drop(self, path: str) -> Iterator[str]:
        """Forget a loop, and yield the paths of everything that was in its round, inner loops included."""
        round_ = self.now.pop(path, None)
        if round_ is not None:
            yield from self.drop_round(path, round_.number)

    def drop_round(self, path: str, number: int) -> Iterator[str]:
        """Forget one round of a loop, and yield the paths of everything that was in it."""
        for member in self._members.pop(inside(path, number), ()):
            yield from self.drop(member)
            yield member
