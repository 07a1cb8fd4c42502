"""A call that waits for money keeps nobody from a turn, and one that waits for a turn keeps no money that others could use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from darner.compiler.plan import AgentPlan, ModelPlan, Plan
from darner.runtime.amounts import Bound, Estimate, Usage
from darner.runtime.failures import Throttled
from darner.runtime.idle import Idle
from darner.runtime.perform.admission import Admission
from darner.runtime.perform.agents.agents import Agents
from darner.runtime.perform.boundary import JournaledBoundary
from darner.runtime.perform.limits.folder import SETTING
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import CallRequest
from darner.runtime.reservations import Reservations
from darner.runtime.usage import Used
from darner.testing import ModelServer

from ..hurried import PRICE
from .selling import PROMPT, recording

SLOW, PATIENT = 3.0, 60.0
ANSWER = "{text: fine, usage: {input: 3, output: 100}}"


def _plan(servers: dict[str, ModelServer]) -> Plan:
    """Return a plan of two agents: a model of one place, and a slow one that uses most of the money."""
    models = {
        name: ModelPlan.model_validate(
            {"use": f"openai:{name}", "base_url": one.base_url, "price": PRICE, "params": {"max_tokens": 100}}
            | ({"rate": {"concurrency": 1}} if name == "narrow" else {})
        )
        for name, one in servers.items()
    }
    agents = {name: AgentPlan.model_validate({"model": name, "prompt": PROMPT, "input": "str", "output": "str"}) for name in servers}
    return Plan.model_validate({"plan": "waiting", "models": models, "agents": agents, "budget": {"cost": "0.0045 USD"}})


def test_a_run_that_waits_for_money_gives_its_place_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two runs one has its money under way elsewhere: its next request waits, and the other's is answered meanwhile."""
    monkeypatch.setenv(SETTING, str(tmp_path))
    slow, narrow = ModelServer(f"replies: [{ANSWER}]", delay=SLOW), ModelServer(f"replies: [{ANSWER}]")
    with slow, narrow:
        made = _plan({"slow": slow, "narrow": narrow})
        order: list[str] = []

        async def ask(agents: Agents, boundary: JournaledBoundary, name: str, who: str) -> None:
            await agents.call(boundary, name, who, parent=who)
            order.append(who)

        async def go() -> None:
            poor, rich = (JournaledBoundary(recording(made, run)) for run in ("poor", "rich"))
            async with _agents(made, "poor") as his, _agents(made, "rich") as hers:
                first = asyncio.ensure_future(ask(his, poor, "slow", "the poor one's first"))
                await _until(lambda: slow.requests == 1)
                second = asyncio.ensure_future(ask(his, poor, "narrow", "the poor one's second"))
                await asyncio.sleep(0.2)
                await ask(hers, rich, "narrow", "the rich one")
                await asyncio.gather(first, second)

        asyncio.run(go())
        assert order == ["the rich one", "the poor one's first", "the poor one's second"]


def _agents(made: Plan, run: str) -> Agents:
    return Agents(made, prompts={}, secrets=EnvironmentSecrets({}), run=run)


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - what a server in a thread has seen is no event of this loop
        await asyncio.sleep(0.01)


@dataclass
class Limit:
    """A limit of one place, whose turns come after so many seconds."""

    ahead: float = 0.0
    inside: int = 0
    most: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def turn(self, wait: Callable[[float], Awaitable[None]]) -> AsyncIterator[None]:
        """See `ports.Turn`."""
        if self.ahead:
            await wait(self.ahead)
        self.inside += 1
        self.most.append(self.inside)
        try:
            yield
        finally:
            self.inside -= 1


NEED = Estimate("small", least=10, most=10, answer=90)


def _admission(reservations: Reservations, tokens: int, put_off: Callable[..., Awaitable[None]]) -> Admission:
    @asynccontextmanager
    async def queue(*_: Any) -> AsyncIterator[None]:
        yield

    return Admission(reservations, Idle(), lambda _: [(Bound("s", "limits", tokens=tokens), Used())], queue, put_off)


def _request(limit: Limit, patience: float | None = None) -> CallRequest:
    return CallRequest("s", "model", "small", {}, turn=limit.turn, need=NEED, patience=patience)


def test_what_waits_long_for_its_turn_keeps_no_money() -> None:
    """A turn that is minutes away: meanwhile others may use what it will need; at its turn it waits for that again, at no place."""
    kept, limit = Reservations(), Limit(ahead=600.0)
    seen: list[Usage] = []

    async def put_off(*_: Any) -> None:
        seen.append(kept.kept("s"))
        if len(seen) == 1:
            assert kept.take("other", NEED, [(Bound("s", "limits", tokens=150), Used())])
            asyncio.get_running_loop().call_later(0.05, kept.release, "other")

    async def go() -> None:
        async with _admission(kept, 150, put_off).of(_request(limit), "late"):
            seen.append(kept.kept("s"))

    asyncio.run(asyncio.wait_for(go(), 60))
    assert [one.requests for one in seen] == [0, 0, 1], "put off, put off again once there was money, under way"
    assert limit.inside == 0


def test_what_waits_a_moment_for_its_turn_keeps_its_money() -> None:
    """Otherwise as many would have their turns as there are places, find no money, and have wasted the rate."""
    kept, limit = Reservations(), Limit(ahead=1.0)
    held: list[int] = []

    async def put_off(*_: Any) -> None:
        held.append(kept.kept("s").requests)

    async def go() -> None:
        async with _admission(kept, 150, put_off).of(_request(limit), "soon"):
            held.append(kept.kept("s").requests)

    asyncio.run(go())
    assert held == [1, 1]


@pytest.mark.parametrize(("ahead", "waits"), [(PATIENT, True), (PATIENT + 1, False)])
def test_a_turn_that_is_far_away_is_not_waited_for_where_another_can_be_asked(ahead: float, waits: bool) -> None:
    """A limit that others have taught says as much as a refusal of one's own; nothing is kept after it."""
    kept, limit, told = Reservations(), Limit(ahead=ahead), list[float]()

    async def put_off(_request: CallRequest, _call: str, seconds: float) -> None:
        told.append(seconds)

    async def go() -> None:
        async with _admission(kept, 150, put_off).of(_request(limit, PATIENT), "it"):
            pass

    if waits:
        asyncio.run(go())
        assert told == [ahead]
        return
    with pytest.raises(Throttled, match="in 61s") as refused:
        asyncio.run(go())
    assert (refused.value.retry_after, told, kept.kept("s").requests) == (ahead, [], 0)
