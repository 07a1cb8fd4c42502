"""Plans of chance over the functions of `town`: branches, maps, loops, tools, people, orchestrators, reactions, budgets, time-outs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from darner.compiler.plan import Plan

from . import town

HERE = town.__name__
TOOLS = {
    "look": {"use": f"{HERE}:look", "effects": "read"},
    "sell": {"use": f"{HERE}:sell", "effects": "write", "idempotent": True},
    "pay": {"use": f"{HERE}:pay", "effects": "write"},
}
CALLED = ("callable", "callable", "look", "sell", "pay", "conduct", "boss", "loop", "clerk", "clerk", "clerk", "clerk")


@dataclass(frozen=True)
class Choice:
    """What a plan may have.

    Args:
        steps: how many at the top.
        steady: nothing in it depends on when something happens, or on how often attempts were cut off.
        people: whether anybody is asked.
        paid: whether agents are asked, and what they may use is bounded, by everything that can.
    """

    steps: int = 5
    steady: bool = False
    people: bool = True
    paid: bool = False


@dataclass
class Layout:
    """Draws a plan."""

    chance: random.Random
    choice: Choice
    plain: list[str] = field(default_factory=list)

    def plan(self) -> Plan:
        """Return a plan of chance; it has every tool and person, used or not."""
        steps = self._steps(self.choice.steps, "s", [])
        given: dict[str, Any] = {"plan": "simulated", "steps": steps, "outputs": {name: f"${name}" for name in steps}, "tools": TOOLS}
        given["humans"] = {"boss": self._boss()}
        if not self.choice.steady:
            given["timeout"] = self._maybe(0.2, ["30s", "300s"])
            given["budget"] = {"time": self._maybe(0.1, ["10s", "100s"]), **self._money(0.4, 3)}
        if self.choice.paid:
            given |= self.agents()
        return Plan.model_validate(given)

    def agents(self) -> dict[str, Any]:
        """Return agents, and the models that they ask."""
        from . import oracle  # noqa: PLC0415 - only what is paid for needs pydantic-ai

        names = ("small", "large")
        params = {name: {"name": name, "max_tokens": oracle.LONGEST[name]} for name in names}
        models = {one: {"use": f"{oracle.__name__}:Oracle", "price": oracle.PRICES[one], "params": params[one]} for one in names}
        models["small"]["fallback"] = self._maybe(0.3, ["large"])
        kind = {"prompt": "What about {{ what }}?", "input": f"{oracle.__name__}:Question", "output": f"{oracle.__name__}:Said"}
        clerk = {**kind, "model": "small", "tools": ["look", "sell"], "agents": ["aide"], "limits": self._limits()}
        aide = {**kind, "model": self.chance.choice(names), "tools": ["look"], "limits": self._limits()}
        policy = {"policy": {"max_cost": self._maybe(0.2, ["3 USD"])}} if not self.choice.steady else {}
        return {"models": models, "agents": {"clerk": clerk, "aide": aide}} | policy

    def _limits(self) -> dict[str, Any]:
        if self.choice.steady:
            return {"turns": 9}
        return {"turns": self.chance.choice([2, 9]), "time": self._maybe(0.3, ["5s", "50s"]), **self._money(0.3, 1)}

    def _money(self, share: float, scale: int) -> dict[str, Any]:
        """Return bounds of tokens and money, where anything is paid for: some hold hardly a request, some many."""
        if not self.choice.paid or self.choice.steady:
            return {}
        tokens, cost = self._maybe(share, [150, 400, 1500]), self._maybe(share, ["0.20", "0.80", "4.00"])
        given = {"tokens": tokens and tokens * scale, "cost": cost and f"{scale * float(cost):.2f} USD"}
        return {name: one for name, one in given.items() if one is not None}

    def _boss(self) -> dict[str, Any]:
        timeout = self._maybe(0.6, ["20s", "500s"])
        given = {"ask": "What about {{ what }}?", "answer": "str", "timeout": timeout, "remind": self._maybe(0.3, ["90s"])}
        if timeout is not None and self._says(0.5):
            given |= {"on_timeout": "default", "default": "go on"}
        return given

    def _steps(self, count: int, prefix: str, around: list[str], depth: int = 0) -> dict[str, Any]:
        steps: dict[str, Any] = {}
        plain: list[str] = []
        for number in range(count):
            name = f"{prefix}{number}"
            steps[name] = self._step(name, list(steps), plain, around, depth)
            if "map" not in steps[name] and "human" not in steps[name]:
                plain.append(name)
        return steps

    def _step(self, name: str, own: list[str], plain: list[str], around: list[str], depth: int) -> dict[str, Any]:
        given: dict[str, Any] = {"after": self._some(own), "on_failure": self._reactions()}
        if plain and self._says(0.35):
            given["when"] = {f"{self.chance.choice(plain)}.flag": [self._says(0.7)]}
        if plain and self._says(0.3):
            given["map"] = {"over": f"${self.chance.choice(plain)}.list", "max_parallel": self.chance.choice([None, 1, 2])}
        if not self.choice.steady:
            given["timeout"] = self._maybe(0.4, ["2s", "30s"])
        return given | self._runs(name, [*own, *around], plain, depth, mapped="map" in given)

    def _runs(self, name: str, seen: list[str], plain: list[str], depth: int, *, mapped: bool) -> dict[str, Any]:
        what = self.chance.choice([one for one in CALLED if self._is_allowed(one, plain, depth, mapped=mapped)])
        values = {"what": name, "more": [f"${one}" for one in self._some(seen)] + (["$item"] if mapped else [])}
        if what == "callable":
            return {"callable": f"{HERE}:work", "with": values}
        if what == "conduct":
            limits = {"calls": self.chance.choice([3, 50]) if not self.choice.steady else 50, "time": self._maybe(0.3, ["10s", "60s"])}
            limits = {"calls": 50} if self.choice.steady else {**limits, **self._money(0.4, 1)}
            return {
                "callable": f"{HERE}:{'confer' if self.choice.paid else 'conduct'}",
                "calls": ["look", "sell", "boss", *(["clerk"] if self.choice.paid else [])],
                "limits": limits,
                "with": {"what": values},
                "timeout": None,
            }
        if what == "clerk":
            return {"agent": "clerk", "with": {"what": values}}
        if what == "boss":
            return {"human": "boss", "with": {"what": name}, "timeout": None}
        if what == "loop":
            return {"loop": self._loop(name, plain, depth), "timeout": None}
        return {"tool": what, "with": values}

    def _is_allowed(self, what: str, plain: list[str], depth: int, *, mapped: bool) -> bool:
        if what == "loop":
            return bool(plain) and depth < 2 and not mapped
        if what == "pay":
            return not self.choice.steady  # cut off, nobody knows whether it happened
        if what == "clerk":
            return self.choice.paid
        return what != "boss" or (self.choice.people and not self.choice.steady)

    def _loop(self, name: str, plain: list[str], depth: int) -> dict[str, Any]:
        body = self._steps(1 + self.chance.randrange(3), f"{name}x", ["state", "round"], depth + 1)
        told = {"state": "$state", "number": "$round", "last": [f"${one}" for one in body]}
        loop = {"state": f"${self.chance.choice(plain)}", "steps": body, "next": f"{HERE}:after", "with": told}
        return loop | {"max_rounds": 1 + self.chance.randrange(4), "budget": self._money(0.4, 2) or None}

    def _reactions(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind in town.KINDS:
            if self._says(0.2):
                found[kind] = {"attempts": self._attempts(kind), "then": self._maybe(0.5, ["skip", "fail"])}
                if self.choice.people and not self.choice.steady and self._says(0.2):
                    found[kind]["ask"] = "boss"
        if self.choice.steady:  # waiting for ever takes ever
            found["throttled"] = {"attempts": 4, "then": self._maybe(0.5, ["skip"])}
        return found

    def _attempts(self, kind: str) -> int:
        return self.chance.choice([3, 4] if self.choice.steady and kind in {"network", "crashed"} else [1, 2, 4])

    def _some(self, names: list[str]) -> list[str]:
        return sorted(self.chance.sample(names, min(len(names), self.chance.randrange(3))))

    def _says(self, share: float) -> bool:
        return self.chance.random() < share

    def _maybe(self, share: float, values: list[Any]) -> Any:
        return self.chance.choice(values) if self._says(share) else None
