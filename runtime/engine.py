"""The loop of a flow: decide, perform what can be done at once, commit, decide again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..compiler.plan import Lock, Plan, StepPlan
from ..compiler.settings import REACTIONS, merge_reactions
from . import decide as deciding
from . import graph as graphs
from .commits import GroupCommit
from .decide import Expand, Fail, Skip, Start
from .events import MapExpanded, RunFinished, StepFailed, StepFinished, StepSkipped
from .failures import CallableError, DarnerError, Failure, Fenced, StoreError
from .ports import Clock, Json
from .state import RunState
from .wiring import resolve


@dataclass(frozen=True, slots=True)
class Result:
    """What performing a step gave: its value, or the call whose recorded result it is."""

    value: Json
    call: str | None = None


class Performer(Protocol):
    """Runs one step, or one item of a mapped one, through the effect boundary."""

    async def __call__(self, path: str, step: StepPlan, arguments: Json) -> Result:
        """Return the step's result, durable; raises a `Failure` when its policy is used up."""
        ...


@dataclass
class Engine:
    """One flow's run, from what its state is to its end.

    Args:
        plan, lock: what runs, and where it stands in the spec.
        inputs, params: what the run is bound to, as JSON.
        state: what has happened, shared with ``commits``.
        commits: where events go.
        load: gives a large payload by its digest.
    """

    plan: Plan
    lock: Lock
    inputs: Json
    params: Mapping[str, Json]
    state: RunState
    commits: GroupCommit
    perform: Performer
    clock: Clock
    load: Callable[[str], Json]
    _running: defaultdict[str, set[int | None]] = field(default_factory=lambda: defaultdict(set))
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _settled: list[str] = field(default_factory=list)
    _items: dict[str, list[Json]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _fatal: BaseException | None = None

    def __post_init__(self) -> None:
        self._graph = graphs.build(self.plan)
        self._order = {name: index for index, name in enumerate(self._graph)}

    async def run(self) -> None:
        """Go on until nothing more can be done, and record how the run ended.

        Raises:
            StoreError: the journal can't be written; what was durable stays.
            Fenced: another process has the run.
        """
        try:
            self._advance(self._graph)
            while self._tasks:
                await self._wake.wait()
                self._wake.clear()
                if self._fatal is not None:
                    raise self._fatal
                settled, self._settled = self._settled, []
                self._advance(self._waiting_for(settled))
            await self._finish()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.commits.drain()

    def _waiting_for(self, settled: Collection[str]) -> set[str]:
        """Return the steps that something which was just settled can concern: itself, where it is mapped, and its successors."""
        return set(settled).union(*(self._graph.successors(name) for name in settled))

    def _advance(self, among: Collection[str]) -> None:
        """Carry out what can be done now, and what that makes possible."""
        waiting: Collection[str] = among
        while waiting:
            ordered = sorted(waiting, key=self._order.__getitem__)
            commands = deciding.decide(self._graph, self.state, self._running, self._value_of, ordered)
            waiting = self._waiting_for([command.step for command in commands if self._carry_out(command)])

    def _carry_out(self, command: deciding.Command) -> bool:
        """Do what was decided; return whether that settled or expanded something at once."""
        now = self.clock.now()
        match command:
            case Start():
                self._start(command)
                return False
            case Skip(step, reason):
                self.commits.note(StepSkipped(at=now, step=step, reason=reason))
            case Fail(step, message, type_name):
                self._fail(step, step, CallableError(message, type_name=type_name))
            case Expand(step):
                self._expand(step)
        return True

    def _expand(self, name: str) -> None:
        try:
            items = self._items_of(name)
        except CallableError as error:
            self._fail(name, name, error)
        else:
            self.commits.note(MapExpanded(at=self.clock.now(), step=name, count=len(items)))

    def _items_of(self, name: str) -> list[Json]:
        """Return what a mapped step goes over; followed once, since each of its items asks."""
        if name not in self._items:
            mapped = graphs.step(self._graph, name).map
            items = resolve(mapped.over if mapped else [], self._value_of, self.params)
            if not isinstance(items, list):
                raise CallableError(f"{name} is mapped over {mapped.over if mapped else ''}, which is no list", type_name="TypeError")
            self._items[name] = items
        return self._items[name]

    def _start(self, command: Start) -> None:
        self._running[command.step].add(command.index)
        self._tasks[command.path] = asyncio.get_running_loop().create_task(self._perform(command), name=command.path)

    async def _perform(self, command: Start) -> None:
        try:
            await self._perform_step(command)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - it ends the run, in the loop's own task
            self._fatal = self._fatal or error
        finally:
            del self._tasks[command.path]
            self._running[command.step].discard(command.index)
            self._settled.append(command.step)
            self._wake.set()

    async def _perform_step(self, command: Start) -> None:
        step = graphs.step(self._graph, command.step)
        try:
            arguments = resolve(step.with_, self._lookup(step, command), self.params)
            result = await self.perform(command.path, step, arguments)
        except (StoreError, Fenced):
            raise
        except DarnerError as error:
            self._fail(command.step, command.path, error)
        else:
            value = None if result.call is not None else result.value
            self.commits.note(StepFinished(at=self.clock.now(), step=command.path, value=value, call=result.call))

    def _fail(self, name: str, path: str, error: DarnerError) -> None:
        """Record a failure as the step's policy says: it fails, or counts as skipped."""
        failure = error if isinstance(error, Failure) else CallableError(error.message, type_name=type(error).__name__)
        now = self.clock.now()
        if self._reaction(name, failure).then == "skip":
            self.commits.note(StepSkipped(at=now, step=path, reason=f"{failure.kind}: {failure.message}"))
            return
        place, message = self.lock.places.get(name, ""), error.message if error.help is None else f"{error.message} ({error.help})"
        self.commits.note(StepFailed(at=now, step=path, failure=failure.kind, type=failure.type_name, message=message, place=place))

    def _reaction(self, name: str, failure: Failure) -> Any:
        step = graphs.step(self._graph, name)
        callee = self.plan.tools.get(step.tool or "") or self.plan.agents.get(step.agent or "")
        return merge_reactions(REACTIONS, callee.on_failure if callee else {}, step.on_failure)[failure.kind]

    def _lookup(self, step: StepPlan, command: Start) -> Callable[[str], Json]:
        """Return what a step sees: its item, the run's inputs, and the steps before it."""
        if step.map is None or command.index is None:
            return self._value_of
        variable, item = step.map.as_, self._items_of(command.step)[command.index]
        return lambda root: item if root == variable else self._value_of(root)

    def _value_of(self, root: str) -> Json:
        if root in self._order:
            return self.state.value(root, self.load)
        if root in {"inputs", "params"}:
            return self.inputs if root == "inputs" else dict(self.params)
        raise CallableError(f"${root} can't be read by a step", type_name="MissingValue", help="`darner check` shows what a step sees")

    async def _finish(self) -> None:
        failed = deciding.failed_steps(self._graph, self.state)
        now = self.clock.now()
        if failed:
            reasons = "; ".join(f"{name}: {self._reason(name)}" for name in failed)
            await self.commits.commit(RunFinished(at=now, status="failed", error=reasons))
            return
        try:
            outputs = deciding.outputs(self.plan.outputs, self.state, lambda value: resolve(value, self._value_of, self.params))
        except CallableError as error:
            await self.commits.commit(RunFinished(at=now, status="failed", error=f"outputs: {error.message}"))
        else:
            await self.commits.commit(RunFinished(at=now, status="done", outputs=outputs))

    def _reason(self, name: str) -> str:
        outcome = self.state.outcome(name)
        return outcome.reason if outcome is not None else ""
