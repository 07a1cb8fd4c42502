"""What requests that are under way at once may still use, kept back so that they can't overshoot together.

A request is *refused* where a bound can't hold even the least that it needs; then nothing that is under way could change
that. It *waits* where there might not be enough for all that is under way and itself: until one of those is over, and what
it really used is known. So a request goes out beside others only where a bound holds whatever they all use, and where a
bound is overshot, it is by one request that went alone: by what it used over the least that was reckoned. An answer
without a limit of its own counts with ``UNLIMITED`` tokens at first, later with twice the longest that its model gave.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from .amounts import Bound, Estimate, Usage
from .failures import Exhausted
from .usage import Used

UNLIMITED = 4096
"""Tokens of an answer that nothing limits, of a model that has answered nothing yet."""
_AT_LEAST = 256
NOTHING = Usage()
HELP = "raise {what} in the spec, and go on with `darner resume RUN --plan new`"
Held: TypeAlias = "tuple[Bound, Used]"
"""A bound, and what was used of it."""


@dataclass
class Reservations:
    """What is kept for each request under way, by the paths of the bounds that it counts against."""

    _held: dict[str, tuple[tuple[str, ...], Usage]] = field(default_factory=dict)
    _sums: dict[str, Usage] = field(default_factory=dict)
    """Of all that is held, by path; so many requests as are under way."""
    _longest: dict[str, int] = field(default_factory=dict)
    _changed: asyncio.Event | None = None

    def take(self, call: str, need: Estimate, within: Sequence[Held]) -> bool:
        """Keep what a call may use, and return whether that could be; False where it has to wait for `change`.

        Raises:
            Exhausted: a bound doesn't hold what it needs at the least.
        """
        least = need.at_least()
        for bound, used in within:
            refuse(bound, used, least)
        most = need.at_most(self._answer_of(need.model))
        if not all(self._holds(bound, used, most) for bound, used in within):
            return False
        paths = tuple(dict.fromkeys(bound.path for bound, _ in within))
        self._held[call] = (paths, most)
        for path in paths:
            self._sums[path] = self.kept(path) + most
        return True

    def _answer_of(self, model: str) -> int:
        known = self._longest.get(model)
        return UNLIMITED if known is None else max(_AT_LEAST, 2 * known)

    def _holds(self, bound: Bound, used: Used, most: Usage) -> bool:
        """Return whether a bound holds everything at once; one request alone is let go."""
        kept = self.kept(bound.path)
        if not kept.requests:
            return True
        is_dear = bound.cost is not None and used.cost + kept.cost + most.cost > bound.cost
        return not is_dear and (bound.tokens is None or used.tokens + kept.tokens + most.tokens <= bound.tokens)

    def kept(self, path: str) -> Usage:
        """Return what is kept for all requests that are under way within a bound."""
        return self._sums.get(path, NOTHING)

    def holds(self, call: str) -> bool:
        """Return whether something is kept for a call."""
        return call in self._held

    def answered(self, model: str, tokens: int) -> None:
        """Learn how long a model's answers are."""
        self._longest[model] = max(tokens, self._longest.get(model, 0))

    def release(self, call: str) -> None:
        """Give back what was kept for a call, once what it used is counted; nothing happens where nothing was."""
        paths, kept = self._held.pop(call, ((), NOTHING))
        for path in paths:
            left = self._sums.pop(path) - kept
            if left.requests:
                self._sums[path] = left
        if paths and self._changed is not None:
            self._changed.set()
            self._changed = None

    @asynccontextmanager
    async def of(self, call: str) -> AsyncIterator[None]:
        """Give back what is kept for a call where the block is left by an exception."""
        try:
            yield
        except BaseException:
            self.release(call)
            raise

    async def change(self) -> None:
        """Wait until something is given back."""
        if self._changed is None:
            self._changed = asyncio.Event()
        await self._changed.wait()


def refuse(bound: Bound, used: Used, least: Usage = NOTHING) -> None:
    """Raise `Exhausted` where a bound of money or tokens is used up, or can't hold the least that is needed."""
    if bound.cost is not None and (used.cost >= bound.cost or used.cost + least.cost > bound.cost):
        raise used_up(bound, "cost", f"{used.cost} of {bound.cost} USD", _short(used.cost < bound.cost, f"{least.cost} USD"))
    if bound.tokens is not None and (used.tokens >= bound.tokens or used.tokens + least.tokens > bound.tokens):
        raise used_up(
            bound, "tokens", f"{used.tokens} of {bound.tokens} tokens", _short(used.tokens < bound.tokens, f"{least.tokens} tokens")
        )


def _short(is_left: bool, needs: str) -> str:  # noqa: FBT001 - one of the two things that a message says
    return f", and the next request needs at least {needs}" if is_left else ""


def used_up(bound: Bound, what: str, figures: str, more: str = "") -> Exhausted:
    """Return what is raised where a bound ends something."""
    named = bound.named(what)
    return Exhausted(f"{bound.who or bound.path} has used up its {named}: {figures}{more}", help=(bound.help or HELP).format(what=named))
