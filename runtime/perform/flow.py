"""A flow's run: taken up, gone on with until nothing more can be done, given up again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ...compiler.plan import Lock, ModelPlan
from .. import graph
from ..commits import GroupCommit
from ..engine import Engine
from ..events import LetGo, RunFinished, RunStarted, TakenUp
from ..failures import Refused
from ..idle import Idle
from ..journal import binding as bindings
from ..journal import standing
from ..journal.binding import Binding
from ..journal.log import extent_of, open_log
from ..ports import Clock, Log, Resolver, Secrets, Store
from ..renewal import Renewal, renewal
from ..state import RunState, fold
from . import steps
from .agents.agents import Agents
from .boundary import JournaledBoundary
from .cache import Between, ResultCache
from .mcp import offers
from .mcp.remote_tool import RemoteTool
from .people.desk import Asker, Desk
from .people.leaving import Leaving
from .people.people import People
from .people.rescue import Rescuing
from .people.telling import Telling
from .processes import machine
from .processes.caged import Cages
from .processes.climbing import Rungs
from .processes.room import Room
from .recording import Recording
from .steps import Steps
from .strictness import StrictGate
from .threads import Threads
from .tools import Tools
from .watching import Watch, watched
from .world import SystemClock, chance, owner

CRASHES = 3
"""Owners in a row, killed without a new result, after which a run is not gone on with by itself."""
CRASH_LOOP = (
    f"exhausted: {CRASHES} processes in a row were killed while they had the run, without a new result; "
    "look why (memory, most often); `darner resume` tries again"
)


@dataclass(frozen=True)
class Surroundings:
    """What a flow is given of the world. ``models`` are those that a target puts elsewhere."""

    secrets: Secrets
    models: Mapping[str, ModelPlan] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    store: Store | None = None
    """Where people's answers lie; without it nobody can be asked."""
    asker: Asker | None = None
    """Asks whoever sits at this terminal; without it a run that only waits for people is parked."""
    take_over: bool = False
    """Take the run from a process that seems to be alive."""
    woken: bool = False
    """Nobody asked: what a parked run waited for has come. What had failed for good stays so."""
    strict: bool = False
    """Refuse, before anything new is performed, where calls on record aren't asked for any more."""
    between: Between | None = None
    """What runs share results by; without it a cache reaches no further than its run."""
    watch: Watch | None = None
    """Is shown the run as it grows."""
    begun: Callable[[], None] | None = None
    """Is told once the run is bound: only then is there something to resume."""
    resolver: Resolver | None = None
    """Where the names of models' servers become addresses; without it, the system says."""
    code: Mapping[str, str] | None = None
    """Fingerprints of the Python that runs now, by name; without it, those that the run was bound to."""

    def lock(self, bound: Binding) -> Lock:
        """Return the fingerprints that results are stored under: a plan is pinned, the Python is what is installed."""
        return bound.lock if self.code is None else bound.lock.model_copy(update={"callables": dict(self.code)})


def run_flow(store: Store, bound: Binding, around: Surroundings, *, redo: Sequence[str] = ()) -> RunState:
    """Start a run, or go on with it, and return its state at the end.

    Raises:
        Busy: another process holds the run.
        Refused: the plan needs what this version can't do, or something that it needs isn't there; nothing was started.
        KeyboardInterrupt: the process was told to stop; everything that was finished is durable.
        StoreError: the store can't be read or written.
    """
    graph.refuse_unsupported(bound.plan, bound.lock, gpus=machine.devices(), memory=Room().most)
    agents = make_agents(bound, replace(around, store=store))
    with closing(agents.tools):
        return _run_ready(store, bound, around, agents, redo)


def _run_ready(store: Store, bound: Binding, around: Surroundings, agents: Agents, redo: Sequence[str]) -> RunState:
    steps.refuse_unready(bound.plan, agents)
    with closing(open_log(store, bound.run, owner=owner(), take_over=around.take_over)) as log:
        _bind(store, log, bound, redo)
        _keep_offers(store, bound, agents)
        if around.begun is not None:
            around.begun()
        around = replace(around, store=store, between=around.between or Between(store, owner()))
        state = drive(log, bound, around, agents, redo=redo)
    standing.leave(store, bound.run, state, extent_of(log))
    return state


def _bind(store: Store, log: Log, bound: Binding, redo: Sequence[str]) -> None:
    if not bindings.is_bound(store, bound.run):
        bindings.bind(store, bound)
    elif bound.before and bindings.load(store, bound.run) != bound:
        ended = fold(log.read()).finished
        if ended is not None and ended.status != "failed" and not redo:
            raise Refused(
                f"{bound.run} is over ({ended.status}), and needs no other plan", help="`darner fork --plan new` takes its results along"
            )
        bindings.rebind(store, bound)


def _keep_offers(store: Store, bound: Binding, agents: Agents) -> None:
    """Keep what MCP servers offer now, so that the run can be gone on with as far as its record reaches without them."""
    known, now = _offers(store, bound), agents.tools.offered
    if now and {**known, **now} != known:
        offers.write(store, bound.run, {**known, **now}.values())


def _offers(store: Store | None, bound: Binding) -> Mapping[str, RemoteTool]:
    has_servers = any(one.mcp is not None for one in bound.plan.tools.values())
    return offers.read(store, bound.run) if has_servers and store is not None else {}


def make_agents(bound: Binding, around: Surroundings) -> Agents:
    """Return the agents and tools of a run."""
    base = Path(bound.spec).parent
    offered = _offers(around.store, bound)
    rungs = Rungs(around.store, bound.plan.plan, around.clock.now)
    tools = Tools(bound.plan, secrets=around.secrets, params=bound.params, lock=around.lock(bound), base=base, offered=offered, rungs=rungs)
    return Agents(
        bound.plan,
        prompts=bound.prompts,
        secrets=around.secrets,
        tools=tools,
        params=bound.params,
        places=around.models,
        lock=around.lock(bound),
        base=base,
        resolver=around.resolver,
        run=bound.run,
        clock=around.clock,
    )


def drive(log: Log, bound: Binding, around: Surroundings, agents: Agents, *, redo: Sequence[str] = ()) -> RunState:
    """Go on with a run whose journal is held, and return its state at the end; see `run_flow`."""
    with _uncollected():
        state = fold(log.read())
    unknown = sorted(set(redo) - set(bound.plan.steps))
    if unknown:
        raise Refused(f"there is no step {unknown[0]} in {bound.plan.plan}", help=f"its steps are {', '.join(bound.plan.steps)}")
    if state.finished is not None and state.finished.status in {"done", "cancelled"} and not redo:
        return state
    if state.plan is not None and state.plan not in {bound.digest, *bound.before}:
        raise Refused(f"the plan of {bound.run} is not the one that it was started with", help="bring plan.yaml back from a backup")
    with asyncio.Runner() as runner:
        runner.run(_drive(log, state, bound, around, agents, tuple(redo)))
    return state


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: what is folded is all kept, and looking through it again and again takes a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


async def _drive(log: Log, state: RunState, bound: Binding, around: Surroundings, agents: Agents, redo: tuple[str, ...]) -> None:  # noqa: PLR0913, PLR0917 - `drive` as a coroutine
    commits = GroupCommit(log, state)
    now = around.clock.now()
    if state.started is None:
        commits.note(RunStarted(at=now, run=bound.run, plan=bound.digest, user=bound.user))
    event = TakenUp(at=now, epoch=log.epoch, owner=owner(), redo=redo, keeps=around.woken and state.waits.parked)
    await commits.commit(taking_up(state, bound, around.store, event))
    if state.barren > CRASHES:
        await commits.commit(RunFinished(at=now, status="failed", error=CRASH_LOOP))
        return
    idle = Idle()
    cache = ResultCache(bound.run, bound.user, state, around.clock, log.load, around.between, idle, bound.plan.policy.retention)
    desk = None if around.store is None else Desk(around.store, bound.run, around.clock, idle, around.asker)
    telling = Telling(bound.plan, bound.run, state, around.clock, agents.tools)
    people = People(bound.plan, bound.prompts, state, commits, around.clock, desk, telling)
    gate = StrictGate(state) if around.strict else None
    recording = Recording(bound.run, bound.plan, state, commits, around.clock, chance, log.load, cache, idle, people, gate)
    threads = Threads()
    cages = Cages(str(Path(bound.spec).parent), threads, bound.plan.resources, rungs=agents.tools.rungs, room=agents.tools.room)
    perform = Steps(recording, agents, around.lock(bound), cages, threads)
    rescuing = Rescuing(perform, bound.plan, state, commits, people, idle, partial(JournaledBoundary, recording))
    engine = Engine(
        bound.plan, bound.lock, bound.inputs, bound.params, state, commits, rescuing, around.clock, log.load, perform.judge,
        rescuing.of_a_loop, idle.writes,
    )  # fmt: skip
    async with agents, _draining(commits), watched(around.watch, state):
        with closing(cages), _letting_go(commits, log, around.clock), _stopping_politely():
            await (engine.run() if desk is None else Leaving(state, commits, around.clock, idle, desk).run(engine.run()))


def taking_up(state: RunState, bound: Binding, store: Store | None, event: TakenUp) -> TakenUp:
    """Return the event of taking a run up, with what that opens again: what depends on what is redone, what a new plan changes."""
    again = graph.dependants(graph.build(bound.plan), event.redo)
    if state.plan in {None, bound.digest} or store is None:
        return event.model_copy(update={"again": again})
    new: Renewal = renewal(bindings.earlier_plan(store, bound, state.plan or ""), bound.plan, state)
    opened = tuple(dict.fromkeys((*again, *(one for one in new.again if one not in event.redo))))
    return event.model_copy(update={"again": opened, "plan": bound.digest, "gone": new.gone})


@contextlib.asynccontextmanager
async def _draining(commits: GroupCommit) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await commits.drain()


@contextlib.contextmanager
def _letting_go(commits: GroupCommit, log: Log, clock: Clock) -> Iterator[None]:
    """Note that an owner who stops before the end stops in good order: that is no crash."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError, Refused):
        commits.note(LetGo(at=clock.now(), epoch=log.epoch))
        raise


@contextlib.contextmanager
def _stopping_politely() -> Iterator[None]:
    """Stop on SIGTERM as on Ctrl-C: what is finished is made durable, then KeyboardInterrupt."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    told: list[bool] = []

    def stop() -> None:
        told.append(True)
        if task is not None:
            task.cancel()

    try:
        loop.add_signal_handler(signal.SIGTERM, stop)
    except (RuntimeError, ValueError):
        yield  # not the main thread: signals are somebody else's
        return
    try:
        yield
    except asyncio.CancelledError:
        if told:
            raise KeyboardInterrupt from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
