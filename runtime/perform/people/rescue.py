"""Steps that failed for good, shown to a person who may know what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ....compiler.plan import Plan, StepPlan
from ....compiler.quantities import format_money
from ....compiler.settings import REACTIONS
from ...commits import GroupCommit
from ...failures import CallableError, Failure, Semantic
from ...idle import Idle
from ...known import CallState
from ...ledger import CONTAINERS
from ...ports import Json
from ...scope import SKIPPED, Performer, Result, reaction
from ...state import RunState
from .. import values
from .people import NO_ANSWER, People


@dataclass(frozen=True)
class Rescuing:
    """Performs steps, and asks a person about those whose failure policy says so. See `engine.Performer`."""

    perform: Performer
    plan: Plan
    state: RunState
    commits: GroupCommit
    people: People
    idle: Idle
    boundary: Callable[[], Any]
    """Makes the boundary through which the person is told."""

    async def __call__(self, path: str, step: StepPlan, arguments: Json) -> Result:
        """Return a step's result, or what a person gave instead."""
        with self.idle.working(path, path.rpartition("/")[0]):
            given = self._given_before(path)
            while given is None:
                try:
                    return await self.perform(path, step, arguments)
                except Failure as failure:
                    given = await self._asked(path, step, failure)
            return given

    async def of_a_loop(self, path: str, step: StepPlan, failure: Failure | None) -> Result | None:
        """Return what a person gave as a loop's result, None where it goes on; see `scope.Rescue`."""
        return self._given_before(path) if failure is None else await self._asked(path, step, failure)

    async def _asked(self, path: str, step: StepPlan, failure: Failure) -> Result | None:
        human = reaction(self.plan, step, failure).ask
        # Whoever didn't answer, or said no, was asked already.
        if human is None or failure.type_name in {NO_ANSWER, "Denied", "Aborted"}:
            raise failure
        return await self._decided(path, step, failure, human)

    def _given_before(self, path: str) -> Result | None:
        """Return what a person gave just before the process died: they aren't asked again."""
        for one in self.state.waits.questions.values():
            if one.asked.about == "rescue" and one.asked.parent == path and one.closed is not None and isinstance(one.closed.value, dict):
                if one.closed.value.get("verdict") == "value":
                    return Result(one.closed.value["value"])
                if one.closed.value.get("verdict") == "skip":
                    raise CallableError(f"{one.asked.human} said that it is to be skipped", type_name=SKIPPED)
        return None

    async def _decided(self, path: str, step: StepPlan, failure: Failure, human: str) -> Result | None:
        """Return what a person gave as the step's result, or None where it is to be tried again; raises what ends it."""
        number = sum(one.asked.about == "rescue" and one.asked.parent == path for one in self.state.waits.questions.values())
        pending = [one for one in self.state.waits.open if one.about == "rescue" and one.parent == path]
        asking = self.people.asking_for_rescue(path, number - len(pending), human, self._shown(path, failure), _check(self.plan, step))
        closed = await self.people.rescue(self.boundary(), asking)
        if closed.by == "answer":
            closed = closed.model_copy(update={"value": asking.check(closed.value)})
        await self.commits.commit(closed)
        verdict = closed.value["verdict"]
        if verdict == "value":
            return Result(closed.value["value"])
        if verdict in {"retry", "raise"}:
            return None
        if verdict == "skip":
            raise CallableError(f"{human} said that it is to be skipped, after: {failure.message}", type_name=SKIPPED) from failure
        raise failure

    def _shown(self, path: str, failure: Failure) -> dict[str, Json]:
        """Return what was tried and what it cost."""
        used = self.state.ledger.of(path)
        calls = [one for one in self.state.calls.values() if one.root == path or one.root.startswith(f"{path}/")]
        tried = [f"{one.what} {one.name}: {told.type}: {told.message}" for one in calls for told in one.failures]
        return {
            "step": path,
            "failure": failure.kind,
            "message": failure.message,
            "tried": tried[-10:],
            "attempts": by_class(calls),
            "calls": len(calls),
            "minutes": round(used.seconds / 60, 1),
            "tokens": used.tokens,
            "cost": format_money(used.cost),
        } | ({} if failure.last is None else {"last": failure.last})


def by_class(calls: Iterable[CallState]) -> dict[str, int]:
    """Return how many attempts failed, by class, an answer that was refused among them; calls that only hold others don't count."""
    counted: Counter[str] = Counter()
    for call in calls:
        counted["semantic"] += call.refused
        counted.update(told.failure for told in call.failures if call.what not in CONTAINERS)
    return {kind: counted[kind] for kind in REACTIONS if counted[kind]}


def _check(plan: Plan, step: StepPlan) -> Callable[[Json], object]:
    """Return what judges a verdict, and makes a value whole that a person gives as a step's result."""
    text = plan.agents[step.agent].output if step.agent is not None and step.agent in plan.agents else None

    def judge(verdict: Json) -> object:
        if text is None or verdict.get("verdict") != "value":
            return verdict
        try:
            return {**verdict, "value": values.dump(values.adapter(text).validate_python(verdict["value"]))}
        except ValueError as error:
            raise Semantic(f"it is no {text}: {error}") from error

    return judge
