"""Steps that are under way together: those of a flow, or those of one round of a loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..compiler.plan import Lock, Plan, StepPlan
from ..compiler.settings import REACTIONS, Reaction, merge_reactions
from . import budget, looping
from . import decide as deciding
from . import graph as graphs
from .commits import GroupCommit
from .decide import Expand, Fail, Skip, Start
from .events import MapExpanded, RoundStarted, StepFailed, StepFinished, StepSkipped
from .failures import CallableError, DarnerError, Failure, Fenced, StoreError, Unasked
from .graph import Graph
from .looping import Verdict
from .ports import Clock, Json
from .relief import relief
from .rounds import inside
from .state import RunState
from .stopping import LISTENS_WITHIN, Writes, end, undisturbed
from .wiring import Lookup, resolve

TRIED_AGAIN = frozenset({"throttled", "network", "semantic", "oom", "crashed", "context"})
"""Classes that are tried again unless a spec says otherwise."""
SKIPPED = "SkippedByPerson"
"""The type of the failure that settles a step as skipped, since a person said so."""


def reaction(plan: Plan, step: StepPlan, failure: Failure) -> Reaction:
    """Return what is to be done about a step's failure: what the step says over its tool, all tools of one server, or its agent.

    Where its class was tried again, and says neither whom to ask nor what comes then, its attempts are exhausted.
    """
    callee = plan.tools.get((step.tool or "").partition(".")[0]) or plan.agents.get(step.agent or "")
    merged = merge_reactions(REACTIONS, callee.on_failure if callee else {}, step.on_failure)
    own, last = merged[failure.kind], merged["exhausted"]
    is_used_up = failure.kind in TRIED_AGAIN or (own.attempts or 1) > 1
    return last if is_used_up and own.ask is None and own.then in {None, "fail"} else own


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


class Judge(Protocol):
    """Asks a loop's ``next`` what comes after a round."""

    async def __call__(self, path: str, step: StepPlan, arguments: Json) -> Verdict:
        """Return whether the loop of that path goes on, is done, or gives up; raises `CallableError`."""
        ...


class Rescue(Protocol):
    """Asks a person about a loop that failed."""

    async def __call__(self, path: str, step: StepPlan, failure: Failure | None) -> Result | None:
        """Return what a person gave as the loop's result, None where it is to be gone on with; raises what ends it.

        Without a failure: what was given before the process died.
        """
        ...


@dataclass
class Flow:
    """What all scopes of one run share; see `engine.Engine`."""

    plan: Plan
    lock: Lock
    params: Mapping[str, Json]
    state: RunState
    commits: GroupCommit
    perform: Performer
    judge: Judge
    clock: Clock
    load: Callable[[str], Json]
    rescue: Rescue
    writes: Writes
    under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """What is performed now, by path; a loop together with the steps of its round."""
    graphs: dict[int, Graph] = field(default_factory=dict)


@dataclass
class Scope:
    """Steps that may read each other.

    Args:
        flow: what all scopes share.
        graph: the steps, and who waits for whom.
        prefix: what their paths begin with: empty, or ``improve/2/``.
        outer: gives the values that are around them.
    """

    flow: Flow
    graph: Graph
    prefix: str
    outer: Lookup
    _running: defaultdict[str, set[int | None]] = field(default_factory=lambda: defaultdict(set))
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _settled: list[str] = field(default_factory=list)
    _items: dict[str, list[Json]] = field(default_factory=dict)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _fatal: BaseException | None = None

    def __post_init__(self) -> None:
        self._order = {name: index for index, name in enumerate(self.graph)}

    async def run(self) -> None:
        """Go on until nothing more can be done."""
        try:
            self._advance(self.graph)
            if self._tasks:
                await self._over.wait()
            if self._fatal is not None:
                raise self._fatal
        finally:
            self._over.set()
            if self._tasks:
                # A loop's steps are closed together with it.
                await undisturbed(end(self._pending, self._writing, cancels=1, patience=LISTENS_WITHIN))

    def _pending(self) -> set[asyncio.Task[Any]]:
        return {task for path, task in self.flow.under_way.items() if path.startswith(self.prefix)}

    def _writing(self) -> set[asyncio.Task[Any]]:
        return set(self.flow.writes.under_way)

    def _hear(self, settled: str) -> None:
        """Hear that a step, or one of its items, came to its end: at once where it was the only one, else with all that end now."""
        self._settled.append(settled)
        if not self._tasks:
            self._go_on()
        elif len(self._settled) == 1:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Carry out what those that were settled make possible; where that is nothing, and nothing is under way, it is over."""
        if self._over.is_set():
            return
        settled, self._settled = self._settled, []
        try:
            if self._fatal is None:
                self._advance(self._waiting_for(settled))
        except BaseException as error:  # noqa: BLE001 - it ends the run, in the engine's own task
            self._fatal = error
        if self._fatal is not None or not self._tasks:
            self._over.set()

    def _waiting_for(self, settled: Collection[str]) -> set[str]:
        """Return the steps that something which was just settled can concern: itself, where it is mapped, and its successors."""
        return set(settled).union(*(self.graph.successors(name) for name in settled))

    def _advance(self, among: Collection[str]) -> None:
        """Carry out what can be done now, and what that makes possible."""
        waiting: Collection[str] = among
        while waiting:
            ordered = sorted(waiting, key=self._order.__getitem__)
            commands = deciding.decide(self.graph, self.flow.state, self._running, self.value_of, ordered, prefix=self.prefix)
            waiting = self._waiting_for([command.step for command in commands if self._carry_out(command)])

    def _carry_out(self, command: deciding.Command) -> bool:
        """Do what was decided; return whether that settled or expanded something at once."""
        now = self.flow.clock.now()
        match command:
            case Start():
                self._start(command)
                return False
            case Skip(step, reason):
                self.flow.commits.note(StepSkipped(at=now, step=self.prefix + step, reason=reason))
            case Fail(step, message, type_name):
                self._fail(step, self.prefix + step, CallableError(message, type_name=type_name))
            case Expand(step):
                self._expand(step)
        return True

    def _expand(self, name: str) -> None:
        try:
            items = self._items_of(name)
        except CallableError as error:
            self._fail(name, self.prefix + name, error)
        else:
            self.flow.commits.note(MapExpanded(at=self.flow.clock.now(), step=self.prefix + name, count=len(items)))

    def _items_of(self, name: str) -> list[Json]:
        """Return what a mapped step goes over; followed once, since each of its items asks."""
        if name not in self._items:
            mapped = graphs.step(self.graph, name).map
            items = resolve(mapped.over if mapped else [], self.value_of, self.flow.params)
            if not isinstance(items, list):
                raise CallableError(f"{name} is mapped over {mapped.over if mapped else ''}, which is no list", type_name="TypeError")
            self._items[name] = items
        return self._items[name]

    def _start(self, command: Start) -> None:
        path = self.prefix + command.path
        self._running[command.step].add(command.index)
        task = asyncio.get_running_loop().create_task(self._perform(command, path), name=path)
        self._tasks[path] = self.flow.under_way[path] = task

    async def _perform(self, command: Start, path: str) -> None:
        try:
            await self._perform_step(command, path)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - it ends the run, in the engine's own task
            self._fatal = self._fatal or error
        finally:
            del self._tasks[path], self.flow.under_way[path]
            self._running[command.step].discard(command.index)
            self._hear(command.step)

    async def _perform_step(self, command: Start, path: str) -> None:
        step = graphs.step(self.graph, command.step)
        lookup = self._lookup(step, command)
        try:
            if step.loop is not None:
                result = await self._loop(path, step, lookup)
            else:
                result = await self.flow.perform(path, step, resolve(step.with_, lookup, self.flow.params))
        except (StoreError, Fenced, Unasked):
            raise
        except DarnerError as error:
            self._fail(command.step, path, error)
        else:
            value = None if result.call is not None else result.value
            self.flow.commits.note(StepFinished(at=self.flow.clock.now(), step=path, value=value, call=result.call))

    async def _loop(self, path: str, step: StepPlan, lookup: Lookup) -> Result:
        """Return a loop's result, or what a person who was asked about its failure gave instead."""
        given = await self.flow.rescue(path, step, None)
        while given is None:
            try:
                return Result(await self._go_round(path, step, lookup))
            except Failure as failure:
                given = await self.flow.rescue(path, step, failure)
        return given

    async def _go_round(self, path: str, step: StepPlan, lookup: Lookup) -> Json:
        """Return a loop's result: a scope a round, until its ``next`` says stop."""
        loop = looping.of(step)
        self._begin_first_round(path, step, lookup)
        while True:
            now = self.flow.state.rounds.now[path]
            last = self.flow.load(now.blob) if now.blob is not None else now.value
            budget.check_round(self.flow.plan, self.flow.state, path, self.flow.clock.now(), last)
            around = looping.around(lookup, last, now.number)
            scope = Scope(self.flow, self._graph_of(step), f"{inside(path, now.number)}/", around)
            await scope.run()
            looping.refuse_failed(self.flow.state, scope.prefix, scope.failed(), now.number)
            verdict = await self.flow.judge(path, step, resolve(loop.with_, scope.value_of, self.flow.params))
            if verdict.says == "stop":
                return verdict.value
            rounds = relief(self.flow.state.waits, path).rounds or loop.max_rounds
            looping.refuse_to_go_on(path, rounds, now.number, last, verdict)
            self.flow.commits.note(RoundStarted(at=self.flow.clock.now(), step=path, round=now.number + 1, value=verdict.value))

    def _begin_first_round(self, path: str, step: StepPlan, lookup: Lookup) -> None:
        if path not in self.flow.state.rounds.now:
            first = resolve(looping.of(step).state, lookup, self.flow.params)
            self.flow.commits.note(RoundStarted(at=self.flow.clock.now(), step=path, round=1, value=first))

    def _graph_of(self, step: StepPlan) -> Graph:
        known = self.flow.graphs
        if id(step) not in known:
            known[id(step)] = graphs.build_steps(self.flow.plan.plan, looping.body(step))
        return known[id(step)]

    def failed(self) -> list[str]:
        """Return the steps that failed, in the order of the plan."""
        return deciding.failed_steps(self.graph, self.flow.state, prefix=self.prefix)

    def _fail(self, name: str, path: str, error: DarnerError) -> None:
        """Record a failure as the step's policy says: it fails, or counts as skipped."""
        failure = error if isinstance(error, Failure) else CallableError(error.message, type_name=type(error).__name__)
        now = self.flow.clock.now()
        if reaction(self.flow.plan, graphs.step(self.graph, name), failure).then == "skip" or failure.type_name == SKIPPED:
            self.flow.commits.note(StepSkipped(at=now, step=path, reason=f"{failure.kind}: {failure.message}"))
            return
        message = error.message if error.help is None else f"{error.message} ({error.help})"
        event = StepFailed(
            at=now,
            step=path,
            failure=failure.kind,
            type=failure.type_name,
            message=message,
            place=self._place(path),
            calls=failure.blamed(),
            value=failure.last,
        )
        self.flow.commits.note(event)

    def _place(self, path: str) -> str:
        """Return where a step stands in the spec; for one of a loop's body that isn't known, where the loop stands."""
        for name in looping.names(path):
            if name in self.flow.lock.places:
                return self.flow.lock.places[name]
        return ""

    def _lookup(self, step: StepPlan, command: Start) -> Lookup:
        """Return what a step sees: its item, the steps before it, and what is around them."""
        if step.map is None or command.index is None:
            return self.value_of
        variable, item = step.map.as_, self._items_of(command.step)[command.index]
        return lambda root: item if root == variable else self.value_of(root)

    def value_of(self, root: str) -> Json:
        """Return the value of a step of this scope, or what is around it."""
        return self.flow.state.value(self.prefix + root, self.flow.load) if root in self._order else self.outer(root)
