"""What agents use while a shard is worked on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ...ports import Usage


@dataclass(frozen=True, slots=True)
class Used:
    """Model calls, tokens and money (US dollars)."""

    calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Used) -> Used:
        """Return the sum."""
        return Used(self.calls + other.calls, self.tokens + other.tokens, self.cost + other.cost)

    def as_dict(self) -> dict[str, Any]:
        """Return what a marker says of it."""
        return {"calls": self.calls, "tokens": self.tokens, "cost": self.cost}

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps({**self.as_dict(), "cost": str(self.cost)})

    @classmethod
    def of_json(cls, text: bytes) -> Used:
        """Return what `as_json` said; ValueError, TypeError or decimal.InvalidOperation where it is something else."""
        told = json.loads(text)
        return cls(int(told.get("calls", 0)), int(told.get("tokens", 0)), Decimal(told.get("cost", "0")))


@dataclass(slots=True)
class Meter:
    """What agents used since it was last read."""

    _used: Used = field(default_factory=Used)

    def add(self, used: Usage) -> None:
        """Add what one row used."""
        self._used += Used(used.requests, used.input_tokens + used.output_tokens, used.cost)

    def taken(self) -> Used:
        """Return the sum and begin anew."""
        found, self._used = self._used, Used()
        return found
