"""What agents use while a shard is worked on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ....compiler.settings import FailureClass
from ...ledger import NONE, ByClass, Totals, merged
from ...ports import Usage


@dataclass(frozen=True, slots=True)
class Used:
    """Model calls, tokens, money (US dollars), and what of it failures cost."""

    calls: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    failures: ByClass = field(default_factory=dict)

    def __add__(self, other: Used) -> Used:
        """Return the sum."""
        failures = merged(self.failures, other.failures)
        return Used(self.calls + other.calls, self.tokens + other.tokens, self.cost + other.cost, failures)

    def less(self, other: Used) -> Used:
        """Return what of it is not a part of ``other``; nothing is less than 0."""
        failures: dict[FailureClass, Totals] = {}
        for failure, totals in self.failures.items():
            left = totals.less(other.failures.get(failure, NONE))
            failures.update({failure: left} if left != NONE else {})
        calls, tokens = max(0, self.calls - other.calls), max(0, self.tokens - other.tokens)
        return Used(calls, tokens, max(Decimal(0), self.cost - other.cost), failures)

    def as_dict(self) -> dict[str, Any]:
        """Return what a marker says of it."""
        return {"calls": self.calls, "tokens": self.tokens, "cost": self.cost, "failures": dict(self.failures)}

    def as_json(self) -> str:
        """Return it as text."""
        failures = {failure: totals.model_dump(mode="json") for failure, totals in self.failures.items()}
        return json.dumps({**self.as_dict(), "cost": str(self.cost), "failures": failures})

    @classmethod
    def of_json(cls, text: bytes) -> Used:
        """Return what `as_json` said; ValueError, TypeError or decimal.InvalidOperation where it is something else."""
        told = json.loads(text)
        failures = {failure: Totals.model_validate(one) for failure, one in told.get("failures", {}).items()}
        return cls(int(told.get("calls", 0)), int(told.get("tokens", 0)), Decimal(told.get("cost", "0")), failures)


@dataclass(slots=True)
class Meter:
    """What agents used since it was last read."""

    _used: Used = field(default_factory=Used)

    def add(self, used: Usage, failures: ByClass) -> None:
        """Add what one row used, and what of it failures cost."""
        self._used += Used(used.requests, used.input_tokens + used.output_tokens, used.cost, failures)

    def fail(self, failure: FailureClass, totals: Totals) -> None:
        """Add what a failed attempt at a row cost."""
        self._used += Used(failures={failure: totals})

    def taken(self) -> Used:
        """Return the sum and begin anew."""
        found, self._used = self._used, Used()
        return found
