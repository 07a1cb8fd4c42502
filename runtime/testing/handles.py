"""Handles for tests of steps with `calls`: any function as a ``Call`` or an ``Ask``, and moments without a run.

::

    from darner import testing

    async def test_research() -> None:
        with testing.moments(now=0.0):
            found = await research(plan, researcher=testing.call(lambda task: []), reviewer=testing.call(review))
"""

from __future__ import annotations

import inspect
import random  # noqa: TID251 - by a seed
import uuid  # noqa: TID251 - by a seed
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..perform.moments import CURRENT


@dataclass(frozen=True)
class TestCall:
    """A function that is called as a tool, an agent or a person would be; ``made`` has what it was called with."""

    __test__ = False

    function: Callable[..., Any]
    made: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, *values: Any, **named: Any) -> Any:
        """Call the function; what it raises is raised."""
        self.made.append((values, named))
        result = self.function(*values, **named)
        return await result if inspect.isawaitable(result) else result

    def on(self, **resources: Any) -> TestCall:
        """Return the same function, with the resources noted."""
        return replace(self, resources={**self.resources, **resources})


def call(function: Callable[..., Any]) -> TestCall:
    """Return a function, async or not, as a handle."""
    return TestCall(function)


@dataclass
class TestMoments:
    """`darner.now()` and its like for tests: a clock that only sleeping moves, and chance by a seed."""

    __test__ = False

    at: float
    chance: random.Random
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Return seconds since 1970, UTC."""
        return self.at

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        return self.chance.random()

    def uuid(self) -> str:
        """Return a UUID's text."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    async def sleep(self, seconds: float) -> None:
        """Note a sleep, which is over at once."""
        self.slept.append(seconds)
        self.at += seconds


@contextmanager
def moments(*, now: float = 1_767_225_600.0, seed: int = 0) -> Iterator[TestMoments]:
    """Let `darner.now()`, `random()`, `uuid()` and `sleep()` work inside the block: from a time, by a seed."""
    made = TestMoments(now, random.Random(seed))  # noqa: S311 - for tests, and the same again
    token = CURRENT.set(made)
    try:
        yield made
    finally:
        CURRENT.reset(token)
