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
CALLED = ("callable", "callable", "look", "sell", "pay", "conduct", "boss", "loop")


@dataclass(frozen=True)
class Choice:
    """What a plan may have.

    Args:
        steps: how many at the top.
        steady: nothing in it depends on when something happens, or on how often attempts were cut off.
        people: whether anybody is asked.
    """

    steps: int = 5
    steady: bool = False
    people: bool = True


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
            given["budget"] = {"time": self._maybe(0.1, ["10s", "100s"])}
        return Plan.model_validate(given)

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
            limits = {"calls": 50} if self.choice.steady else limits
            return {
                "callable": f"{HERE}:conduct",
                "calls": ["look", "sell", "boss"],
                "limits": limits,
                "with": {"what": values},
                "timeout": None,
            }
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
        return what != "boss" or (self.choice.people and not self.choice.steady)

    def _loop(self, name: str, plain: list[str], depth: int) -> dict[str, Any]:
        body = self._steps(1 + self.chance.randrange(3), f"{name}x", ["state", "round"], depth + 1)
        told = {"state": "$state", "number": "$round", "last": [f"${one}" for one in body]}
        loop = {"state": f"${self.chance.choice(plain)}", "steps": body, "next": f"{HERE}:after", "with": told}
        return loop | {"max_rounds": 1 + self.chance.randrange(4)}

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
