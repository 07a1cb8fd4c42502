"""A flow of agents over a journal, against scripted servers over real HTTP; every wait is over at once, and noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darner.compiler.plan import AgentPlan, HumanPlan, Lock, ModelPlan, Plan, StepPlan, ToolPlan
from darner.runtime.answers import Answer
from darner.runtime.events import QuestionAsked
from darner.runtime.journal.binding import Binding
from darner.runtime.journal.store import open_store
from darner.runtime.perform.flow import Surroundings, drive, make_agents
from darner.runtime.perform.people.desk import give
from darner.runtime.perform.secrets import EnvironmentSecrets
from darner.runtime.ports import Json, Log, Resolver, Store
from darner.runtime.state import RunState
from darner.testing import MemoryLog, ModelServer

from ..agents.world import agent
from ..hurried import START, Hurried

NOWHERE = "http://127.0.0.1:1/v1"


@dataclass
class Told:
    """What came of a run."""

    state: RunState
    waited: list[float]

    @property
    def status(self) -> str:
        """How the run ended, with the class of its first failure."""
        failed = next((one for one in self.state.steps.values() if one.kind == "failed"), None)
        return f"failed: {failed.failure}" if failed is not None else "done"

    @property
    def reason(self) -> str:
        """Why the first step that failed did."""
        return next(one.reason for one in self.state.steps.values() if one.kind == "failed")

    @property
    def outputs(self) -> Any:
        """What the run gave."""
        return self.state.finished.outputs if self.state.finished else None

    @property
    def failures(self) -> Counter[str]:
        """Failed attempts on record, by class."""
        return Counter(one.failure for call in self.state.calls.values() for one in call.failures)

    def asked(self, what: str = "model") -> list[str]:
        """Return the names of calls that are finished, in the order of their beginnings."""
        return [call.name for call in self.state.calls.values() if call.what == what and call.payload is not None]


@dataclass
class Sitting:
    """Somebody who sits there, and answers what they are asked."""

    store: Store
    says: Iterator[Json]

    async def __call__(self, asked: QuestionAsked) -> bool:
        """Answer; see `desk.Asker`."""
        give(self.store, "r", asked.question, Answer("answer", next(self.says), at=START))
        return True


def ask(city: str = "Paris", **changes: Any) -> StepPlan:
    """Return a step that asks the assistant."""
    return StepPlan.model_validate({"agent": "assistant", "with": {"city": city}, **changes})


def made(
    agents: Mapping[str, AgentPlan] | None = None,
    models: Mapping[str, Mapping[str, Any]] | None = None,
    tools: Mapping[str, ToolPlan] | None = None,
    steps: Mapping[str, StepPlan] | None = None,
    humans: Mapping[str, HumanPlan] | None = None,
) -> Plan:
    """Return a plan; its models stand where `run` says."""
    wanted, asked = models or {"small": {}}, dict(steps or {"ask": ask()})
    return Plan(
        plan="p",
        models={
            name: ModelPlan.model_validate({"use": f"openai:{name}", "base_url": NOWHERE} | dict(more)) for name, more in wanted.items()
        },
        agents=dict(agents or {"assistant": agent()}),
        tools=dict(tools or {}),
        humans=dict(humans or {}),
        steps=asked,
        outputs={name: f"${name}" for name in asked},
    )


def run(  # noqa: PLR0913 - a plan, and where it runs; all but three have a default
    plan: Plan,
    servers: ModelServer | Mapping[str, ModelServer | str],
    folder: Path,
    journal: Log | None = None,
    resolver: Resolver | None = None,
    *,
    says: Sequence[Json] | None = None,
) -> Told:
    """Run a plan, or go on with it where a journal is given, with each model at its server, or at an address.

    ``says`` is what somebody answers who is asked, one after the other.
    """
    there = servers if isinstance(servers, Mapping) else dict.fromkeys(plan.models, servers)
    urls = {name: one if isinstance(one, str) else one.base_url for name, one in there.items()}
    places = {name: one.model_copy(update={"base_url": urls[name]}) for name, one in plan.models.items()}
    clock = Hurried()
    store = None if says is None else open_store(folder / "store")
    asker = None if says is None or store is None else Sitting(store, iter(says))
    around = Surroundings(EnvironmentSecrets({}), places, clock=clock, resolver=resolver, store=store, asker=asker)
    bound = Binding("r", plan, Lock(), {}, None, {"log": str(folder / "log")}, str(folder / "spec.yaml"))
    return Told(drive(journal or MemoryLog(), bound, around, make_agents(bound, around)), clock.waited)
