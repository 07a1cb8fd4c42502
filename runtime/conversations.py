"""Conversations that go on over an agent's calls in one run, as the journal tells them.

What a call goes on with is settled when it first begins: the calls of that agent that are finished by then, in the order in
which they were. The journal's order says so again after a crash, whatever is finished or asked for first then.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from .events import Said


@dataclass
class Conversations:
    """What was said in the calls of agents with ``history: run``. Calls are named by their identity."""

    _said: dict[str, list[Said]] = field(default_factory=dict)
    _finished: dict[str, list[str]] = field(default_factory=dict)
    """By agent; a call that was forgotten leaves an empty place, since others counted it."""
    _heard: dict[str, int] = field(default_factory=dict)
    _stands_for: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Calls that were so long that what they said holds, shorter, what they went on with, too."""

    def begin(self, agent: str, call: str) -> None:
        """Note that a call begins; only its first attempt counts."""
        self._heard.setdefault(call, len(self._finished.get(agent, ())))

    def say(self, message: Said) -> None:
        """Keep a message."""
        self._said.setdefault(message.call, []).append(message)

    def finish(self, agent: str, call: str, replaces: tuple[str, ...] = ()) -> None:
        """Note that a call is finished: what it said counts for those that begin from now on, in the place of ``replaces``, too."""
        if call in self._said:
            self._finished.setdefault(agent, []).append(call)
            self._stands_for[call] = replaces

    def lose(self, agent: str, calls: Collection[str]) -> None:
        """Drop what was said in calls of which one can't be read any more, and the others came after it."""
        finished = self._finished.get(agent, [])
        finished[:] = ["" if one in calls else one for one in finished]

    def forget(self, agent: str, call: str) -> None:
        """Drop a call that is to be done anew."""
        self._heard.pop(call, None)
        self._stands_for.pop(call, None)
        if self._said.pop(call, None) is not None:
            finished = self._finished.get(agent, [])
            finished[:] = ["" if one == call else one for one in finished]

    def heard(self, agent: str, call: str) -> list[str]:
        """Return the calls whose messages a call goes on with."""
        before = [one for one in self._finished.get(agent, [])[: self._heard.get(call, 0)] if one]
        replaced = {one for by in before for one in self._stands_for.get(by, ())}
        return [one for one in before if one not in replaced]

    def said(self, call: str) -> list[Said]:
        """Return the messages of a call."""
        return list(self._said.get(call, ()))

    def earlier(self, agent: str, call: str) -> list[Said]:
        """Return the messages that a call goes on with."""
        return [message for one in self.heard(agent, call) for message in self.said(one)]
