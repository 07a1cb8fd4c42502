"""What a run of chance calls: asynchronous callables, tools and orchestrators that fail as a script says, call by call."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import darner
from darner import Ask, Bail, Call, Continue, Stop
from darner.compiler.settings import FailureClass
from darner.runtime.failures import FAILURES, DarnerError
from darner.runtime.keys import digest

FAULTS: tuple[str, ...] = (*FAILURES, "hangs")
HANGS = 3_000.0
"""Seconds: longer than any time-out of a plan. What hangs comes to a value after all, where nothing bounds it."""


class Odd(Exception):
    """What user code raises."""


@dataclass(frozen=True)
class Fault:
    """How one attempt fails."""

    kind: str
    retry_after: float | None = None

    def strike(self) -> None:
        """Raise it."""
        if self.kind == "error":
            raise Odd("an error of chance")
        raise FAILURES[cast("FailureClass", self.kind)]("a failure of chance", retry_after=self.retry_after)


@dataclass(frozen=True)
class Script:
    """What happens to the attempts of one call: some faults, then one for ever, or a value after some seconds."""

    faults: tuple[Fault, ...] = ()
    ever: Fault | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Charge:
    """What one request to a model was billed: by how many tokens, and by how much, more than was certain before."""

    number: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    over: int
    dearer: Decimal

    @property
    def tokens(self) -> int:
        """Tokens in and out together."""
        return self.input_tokens + self.output_tokens


@dataclass
class Town:
    """What is outside of the run, over all its lives. What a call comes to depends on what it is asked, and on which attempt it is.

    Args:
        seed: of the scripts.
        rate: how many of the calls have faults.
        faults: which; see `FAULTS`.
        steady: faults are those that any attempt meets, or that attempts overcome, whichever process makes them.
        dear: how much more than the least that is reckoned of a request its provider bills, from 0 to 1, the most.
    """

    seed: int
    rate: float = 0.3
    faults: tuple[str, ...] = FAULTS
    steady: bool = False
    dear: float = 0.0
    charges: list[Charge] = field(default_factory=list)
    """What requests to models were billed, in all lives."""
    bodies: Counter[str] = field(default_factory=Counter)
    """Attempts that began, by call."""
    answers: Counter[str] = field(default_factory=Counter)
    """Attempts that came to a value, by call."""
    now: Counter[str] = field(default_factory=Counter)
    most: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How many attempts of one step, or what else it is called for, there were at once."""
    written: Counter[str] = field(default_factory=Counter)
    """Writes that happened, by idempotency key; those that must not be repeated as ``pay``."""

    def script(self, key: str) -> Script:
        """Return what happens to a call."""
        chance = random.Random(f"{self.seed} {key}")
        seconds = chance.choice([0.0, 0.0, 0.1, 3.0, 20.0])
        if chance.random() >= self.rate or not self.faults:
            return Script(seconds=seconds)
        if self.steady:
            return self._steady(chance, seconds)
        some = tuple(self._fault(chance) for _ in range(chance.randrange(1, 5)))
        return Script(some, self._fault(chance) if chance.random() < 0.2 else None, seconds)

    def _steady(self, chance: random.Random, seconds: float) -> Script:
        overcome = [one for one in self.faults if one in {"network", "crashed", "throttled"}]
        if overcome and chance.random() < 0.6:
            return Script(tuple(Fault(chance.choice(overcome), 1.0) for _ in range(chance.randrange(1, 3))), seconds=seconds)
        return Script(ever=Fault(chance.choice(self.faults)), seconds=seconds)

    def _fault(self, chance: random.Random) -> Fault:
        return Fault(chance.choice(self.faults), chance.choice([None, None, 0.5, 40.0, 600.0]))

    def bill(self, sent: int, told: int, money: Decimal, *, over: int, dearer: Decimal) -> Charge:
        """Bill a request."""
        charge = Charge(len(self.charges), sent, told, money, over, dearer)
        self.charges.append(charge)
        return charge

    @contextmanager
    def under_way(self, where: str) -> Iterator[None]:
        """Count something that is under way."""
        self.now[where] += 1
        self.most[where] = max(self.most[where], self.now[where])
        try:
            yield
        finally:
            self.now[where] -= 1

    async def attempt(self, name: str, given: Any, written: str = "") -> Any:
        """Make one attempt: it takes its time, and comes to a value, or fails."""
        key, where = digest([name, given])[:16], str(given[0])
        script, number = self.script(key), self.bodies[key]
        self.bodies[key] += 1
        with self.under_way(where):
            fault = script.faults[number] if number < len(script.faults) else script.ever
            await asyncio.sleep(HANGS if fault is not None and fault.kind == "hangs" else script.seconds)
            if fault is not None and fault.kind != "hangs":
                fault.strike()
        self.answers[key] += 1
        if written:
            self.written[written] += 1
        number = int(key[:8], 16)
        return {"flag": number % 3 != 0, "list": list(range(number % 4)), "number": number}


TOWN: ContextVar[Town] = ContextVar("town")


async def work(what: Any = None, more: Any = None) -> Any:
    """Do something pure."""
    return await TOWN.get().attempt("work", [what, more])


async def look(what: Any = None, more: Any = None) -> Any:
    """Look something up."""
    return await TOWN.get().attempt("look", [what, more])


async def sell(what: Any = None, more: Any = None, *, idempotency_key: str) -> Any:
    """Write something that may be written again under the same key."""
    return await TOWN.get().attempt("sell", [what, more], idempotency_key)


async def pay(what: Any = None, more: Any = None) -> Any:
    """Write something that must not be written twice."""
    return await TOWN.get().attempt("pay", [what, more], "pay")


async def conduct(look: Call[Any, Any], sell: Call[Any, Any], boss: Ask[str], what: Any = None) -> Any:
    """Call tools in an order that depends on what they gave, several at once, and go on after some failures."""
    return await _conducted(look, sell, boss, look, what)


async def confer(look: Call[Any, Any], sell: Call[Any, Any], boss: Ask[str], clerk: Call[Any, Any], what: Any = None) -> Any:
    """Do so with an agent, whom many branches ask at once."""
    return await _conducted(look, sell, boss, clerk, what)


async def _conducted(look: Call[Any, Any], sell: Call[Any, Any], boss: Ask[str], many: Call[Any, Any], what: Any) -> Any:
    chance = random.Random(digest(["conduct", what]))
    found: list[Any] = []
    for round_ in range(1 + chance.randrange(3)):
        kind = chance.randrange(5)
        if kind == 0:
            found += await asyncio.gather(*(many(what=[round_, one]) for one in range(1 + chance.randrange(3))))
        elif kind == 1:
            found.append(await _despite(look(what=[round_, found])))
        elif kind == 2:
            found.append(await sell(what=[round_, len(found)]))
        elif kind == 3:
            await darner.sleep(chance.choice([5.0, 50.0, 4000.0]))
        elif chance.random() < 0.3:
            found.append(await _despite(boss(what=str(round_))))
    return {"flag": bool(found), "list": found[:3], "number": len(found)}


async def trade(sell: Call[Any, Any], what: Any = None, times: int = 1) -> Any:
    """Make one write, or some, one after the other."""
    sold = [await sell(what=[what, number]) for number in range(times)]
    return sold[0]


async def deaf() -> Any:
    """Go on whenever it is cancelled."""
    while True:
        try:
            await asyncio.sleep(HANGS)
        except asyncio.CancelledError:
            continue


async def _despite(work: Any) -> Any:
    try:
        return await work
    except (Odd, DarnerError) as failure:
        return {"flag": False, "list": [], "number": len(type(failure).__name__)}


async def after(state: Any, number: int, last: Any = None) -> Continue[Any] | Stop[Any] | Bail:
    """Say what comes after a round."""
    chance = random.Random(digest(["next", state, number, last]))
    given = {"flag": chance.random() < 0.5, "list": [number], "number": chance.randrange(99)}
    said: list[Continue[Any] | Stop[Any] | Bail] = [Continue(given), Continue(given), Stop(given), Stop(given), Bail("chance")]
    return chance.choice(said)


async def again(state: Any) -> Continue[Any] | Stop[Any]:
    """Go on for ever."""
    return Continue(state)


KINDS: tuple[FailureClass, ...] = tuple(FAILURES)
