"""Whether an agent gets anywhere: the same call, with the same arguments, with the same result, again."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field

from ...failures import Exhausted
from ...keys import digest
from ...ports import Json

SHOWN = 400
"""How much of what was repeated is told."""


@dataclass
class Progress:
    """What one agent asked its tools for, turn by turn.

    A turn brings nothing new where all that it asks for was asked for before, with the same arguments, and gave the same
    result. The model is told when it does so in the turn after, or for the second turn in a row; after its attempts it is
    given up. What is said of a call depends on earlier turns only: calls of one turn finish in any order.

    Args:
        agent: its name.
        attempts: how often in a row the model may repeat itself; it is told so one time less.
    """

    agent: str
    attempts: int
    _known: dict[tuple[str, str], int] = field(default_factory=dict)
    """Questions with their results, and the turn in which each was seen first."""
    _asked: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Questions, and the turns in which they were asked."""
    _turns: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))
    """By turn: of each call whether it was a repetition."""
    _told: set[int] = field(default_factory=set)
    """Turns in which the model was told."""

    def was_just_asked(self, turn: int, name: str, arguments: Json) -> bool:
        """Return whether the same was asked for, and answered, in the turn before."""
        return turn - 1 in self._asked.get(_question(name, arguments), ())

    def repeats(self, turn: int, name: str, arguments: Json, result: Json = None, *, is_known: bool = False) -> str | None:
        """Note what a call gave; return what the model is to be told where it repeats itself, else None.

        Args:
            turn: the number of the request that the call answers.
            name: what was called.
            arguments: with what.
            result: what it gave.
            is_known: it wasn't made again, since it was answered in the turn before.

        Raises:
            Exhausted: it was told often enough.
        """
        question = _question(name, arguments)
        first = turn - 1 if is_known else self._known.setdefault((question, digest(result)), turn)
        is_again = first < turn and (self.was_just_asked(turn, name, arguments) or self._brought_nothing(turn - 1))
        self._asked[question].append(turn)
        self._turns[turn].append(first < turn)
        if not is_again:
            return None
        self._told.add(turn)
        shown = f"{name}({_shown(arguments)})"
        if self._times_told(turn) >= self.attempts:
            raise self._stuck(shown, len(set(self._asked[question])))
        if is_known:
            return f"no progress: {shown} was asked for in the turn before, with the same arguments; its result is above"
        return f"no progress: {shown} was asked for before, with the same arguments, and gives the same: {_shown(result)}"

    def _brought_nothing(self, turn: int) -> bool:
        return turn in self._turns and all(self._turns[turn])

    def _stuck(self, shown: str, times: int) -> Exhausted:
        msg = f"the agent {self.agent} makes no progress: {shown} was asked for in {times} turns, and gave the same each time"
        return Exhausted(msg, type_name="NoProgress", help="look at its prompt, and at what the tool gives; `darner resume` asks it again")

    def _times_told(self, turn: int) -> int:
        """Return in how many turns in a row, this one included, the model repeated itself."""
        first = turn
        while first - 1 in self._told:
            first -= 1
        return turn - first + 1


def _question(name: str, arguments: Json) -> str:
    return digest([name, arguments])


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
