"""What each step and each loop has used: tokens, money, and the seconds in which it was worked on."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from .rounds import enclosing


@dataclass(slots=True)
class Used:
    """What one path has used. Waiting for people or for a time isn't work, and neither is the time between two owners."""

    tokens: int = 0
    cost: Decimal = Decimal(0)
    seconds: float = 0.0
    waits: int = 0
    _epoch: int = -1
    _seen: float = 0.0

    def tick(self, at: float, epoch: int) -> None:
        """Count the time since something was last heard of it."""
        if self._epoch == epoch and not self.waits:
            self.seconds += max(0.0, at - self._seen)
        self._epoch, self._seen = epoch, at

    def worked(self, now: float, epoch: int) -> float:
        """Return the seconds of work until now."""
        going_on = self._epoch == epoch and not self.waits
        return self.seconds + (max(0.0, now - self._seen) if going_on else 0.0)


@dataclass
class UsageLedger:
    """What was used, by path: a step's own, each loop's with all its rounds; and by agent's call. See `ledger` for what failures cost."""

    _used: dict[str, Used] = field(default_factory=dict)
    _waiting: dict[str, str] = field(default_factory=dict)
    """Calls that wait for a person or a time, with the path of the step of each."""

    def of(self, path: str) -> Used:
        """Return what a path has used so far."""
        return self._used.get(path) or Used()

    def tick(self, path: str, at: float, epoch: int) -> None:
        """Hear of a step."""
        for one in enclosing(path):
            (self._used.get(one) or self._noted(one)).tick(at, epoch)

    def _noted(self, path: str) -> Used:
        used = self._used.get(path)
        if used is None:
            used = self._used[path] = Used()
        return used

    def count(self, path: str, tokens: int, cost: Decimal) -> None:
        """Add what was used on behalf of a step."""
        for one in enclosing(path):
            self.count_one(one, tokens, cost)

    def count_one(self, path: str, tokens: int, cost: Decimal) -> None:
        """Add what was used to one path alone, or to one agent's call."""
        used = self._noted(path)
        used.tokens += tokens
        used.cost += cost

    def begin_wait(self, call: str, path: str) -> None:
        """Hear that a call of a step waits from now on: what it waits for is not its work."""
        if call not in self._waiting:
            self._waiting[call] = path
            self._change(path, 1)

    def end_wait(self, call: str) -> None:
        """Hear that a call waits no longer; nothing happens where it didn't."""
        path = self._waiting.pop(call, None)
        if path is not None:
            self._change(path, -1)

    def settle(self, path: str) -> None:
        """Hear that a step came to its end: none of its calls waits any more."""
        if self._waiting:
            for call in [call for call, one in self._waiting.items() if one == path]:
                self.end_wait(call)

    def _change(self, path: str, waits: int) -> None:
        for one in enclosing(path):
            self._noted(one).waits += waits

    def drop(self, path: str) -> None:
        """Forget a path; the loops that it was in keep what it added to theirs."""
        self._used.pop(path, None)
