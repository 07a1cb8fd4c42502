"""Amounts of tokens, money, seconds: what was used, what may be used, what a request will use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from ..compiler.settings import Limits, Price, PriceAbove

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call used, or several."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    """In US dollars."""

    @property
    def tokens(self) -> int:
        """Tokens in and out together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return self._with(other, 1)

    def __sub__(self, other: Usage) -> Usage:
        return self._with(other, -1)

    def _with(self, other: Usage, sign: int) -> Usage:
        return Usage(
            self.requests + sign * other.requests,
            self.input_tokens + sign * other.input_tokens,
            self.output_tokens + sign * other.output_tokens,
            self.cost + sign * other.cost,
        )


def cost(price: Price | PriceAbove | None, input_tokens: int, output_tokens: int, *, cache_read: int = 0, cache_write: int = 0) -> Decimal:
    """Return what tokens cost in US dollars, exactly; nothing where there is no price.

    ``cache_read`` and ``cache_write`` are parts of ``input_tokens``, as pydantic-ai tells them of every provider; where the
    price names none of its own for them, they cost what input costs.
    """
    if price is None:
        return Decimal(0)
    if isinstance(price, Price) and price.above is not None and input_tokens > price.above.tokens:
        return cost(price.above, input_tokens, output_tokens, cache_read=cache_read, cache_write=cache_write)
    plain = price.input * (input_tokens - cache_read - cache_write)
    read = (price.input if price.cache_read is None else price.cache_read) * cache_read
    written = (price.input if price.cache_write is None else price.cache_write) * cache_write
    return (plain + read + written + price.output * output_tokens) / MILLION


NOTHING = Usage()
"""What a call used that asked no model."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What everything below one path, or one agent's call, may use. The run's own path is empty."""

    path: str
    name: str
    cost: Decimal | None = None
    tokens: int | None = None
    time: float | None = None
    who: str = ""
    """Whom a message names instead of the path."""
    help: str = ""
    """What a message advises; ``{what}`` stands for the limit."""

    def named(self, what: str) -> str:
        """Return how a spec names one of its limits: ``budget.cost``, ``policy.max_cost``."""
        return f"{self.name}.{'max_' if self.name == 'policy' else ''}{what}"

    def over(self, raised: Limits | None) -> Bound:
        """Return the bound with what a person raised laid over it."""
        if raised is None:
            return self
        most, tokens, time = raised.cost or self.cost, raised.tokens or self.tokens, raised.time or self.time
        return replace(self, cost=most, tokens=tokens, time=time)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request to a model will use: in tokens of input between ``least`` and ``most``, of output up to ``answer``.

    ``answer`` is None where nothing limits the answer.
    """

    model: str
    least: int
    most: int
    answer: int | None = None
    price: Price | None = None

    def at_least(self) -> Usage:
        """Return what it is certain to need: the least that is sent, and as much of an answer as is allowed."""
        output = self.answer or 0
        return Usage(1, self.least, output, cost(self.price, self.least, output))

    def at_most(self, unlimited: int) -> Usage:
        """Return what may be needed; an answer that nothing limits is reckoned with ``unlimited`` tokens."""
        output = unlimited if self.answer is None else self.answer
        money = max(cost(self.price, self.most, output), cost(self.price, self.most, output, cache_write=self.most))
        return Usage(1, self.most, output, money)
