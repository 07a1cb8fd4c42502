"""Callables in child processes with enforced memory: one step's out-of-memory never takes the run with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ....compiler.plan import ResourcesPlan
from ....compiler.settings import OnFailure, Reaction
from ...failures import DarnerError, OutOfMemory, Refused
from ...ports import Json
from ...resources import Grant, class_for, rungs
from ...rungs import RungKey
from ..threads import Threads
from . import machine
from .children import Child, ChildTask
from .climbing import Rungs
from .leaving import SPOT
from .room import Room

GRACE_SECONDS = 5.0
"""How long a callable on a machine that may be taken away has for its `finally`, where it must end."""

MOST_IDLE = 4
"""Children that are kept for the next call, at least."""


@dataclass
class Cages:
    """The child processes of one run. Idle ones are used again; one whose caller gave up is ended."""

    folder: str
    """The spec's folder: its modules are found there first."""
    threads: Threads
    plans: Mapping[str, ResourcesPlan] = field(default_factory=dict)
    target: str = f"{__package__}.calling:prepare"
    """What the children run; see `children.ChildTask`."""
    setup: Json = field(default_factory=dict)
    rungs: Rungs = field(default_factory=Rungs)
    room: Room = field(default_factory=Room)
    _idle: defaultdict[Grant, list[Child]] = field(default_factory=lambda: defaultdict(list))

    async def cage(self, node: str, resources: str | None, laid_over: Grant | None = None) -> Cage:
        """Return where one call runs.

        Args:
            node: the step or the tool; the rung that worked is remembered for it.
            resources: the entry of the plan whose memory it gets.
            laid_over: what Python code asked for instead; then there is one rung.
        """
        plan = ResourcesPlan() if resources is None else class_for(self.plans, resources, machine.devices())
        if plan is None:
            raise Refused(f"{node} needs a GPU, and this machine has too few", help="say which class to use without one: `no_gpu: NAME`")
        ladder = rungs(plan)
        if laid_over is not None:
            return Cage(self, (laid_over.over(ladder[0]),))
        if len(ladder) == 1:
            return Cage(self, ladder)
        key = self.rungs.key(node, plan)
        known = self.rungs.known(key)
        if known is None:
            known = await self.threads.run(self.rungs.look, key=key)
        return Cage(self, ladder, min(known, len(ladder) - 1), key)

    async def call(self, child: Child, grant: Grant, request: Json) -> Json:
        """Return a callable's result from a child.

        Raises:
            OutOfMemory: it went over its memory.
            Exhausted: it wrote more than its disk.
            Crashed: it died of something else.
            CallableError: it raised.
        """
        try:
            value = await self.threads.run(child.call, request=request)
        except asyncio.CancelledError:
            grace = GRACE_SECONDS if grant.spot else 0.0
            await self.threads.run(child.give_up, grace=grace)  # whoever cancels may begin anew at once, and not beside this
            raise
        finally:
            await self.put(child, grant)
        return value

    async def ready(self, grant: Grant) -> Child:
        """Return a child that runs, so that its start counts against nobody's time; where it can't, a call will say so."""
        child = self.take(grant)
        try:
            await self._fit()
            if not child.is_running:
                with contextlib.suppress(DarnerError):
                    await self.threads.run(child.start)
        except asyncio.CancelledError:
            await self.threads.run(child.give_up)
            raise
        return child

    async def _fit(self) -> None:
        """End idle children that may have kept more memory than is promised to nobody."""
        while self._kept() > self.room.free:
            idle = next(children for grant, children in self._idle.items() if grant.memory and children)
            await self.threads.run(idle.pop(0).close)

    def _kept(self) -> int:
        return sum((grant.memory or 0) * len(children) for grant, children in self._idle.items())

    def take(self, grant: Grant) -> Child:
        """Return an idle child, or a new one that doesn't run yet."""
        idle = self._idle[grant]
        return idle.pop() if idle else Child(self._task(grant))

    async def put(self, child: Child, grant: Grant) -> None:
        """Keep a child that runs for the next call, unless there are many already: each has memory of its own."""
        if not child.is_running:
            return
        if sum(map(len, self._idle.values())) < max(MOST_IDLE, machine.cores()):
            self._idle[grant].append(child)
        else:
            await self.threads.run(child.close)

    def _task(self, grant: Grant) -> ChildTask:
        threads = None if grant.cpu is None else max(1, min(round(grant.cpu), machine.cores()))
        return ChildTask(
            self.target,
            setup={**self.setup, SPOT: grant.spot},
            memory=grant.memory,
            sys_path=(self.folder,),
            threads=threads,
            disk=grant.disk,
            is_tidy=True,
        )

    def close(self) -> None:
        """End all children, and keep what was learned of the rungs."""
        for children in self._idle.values():
            for child in children:
                child.close()
        self._idle.clear()
        self.rungs.close()


@dataclass
class Cage:
    """Where one call runs: in a child process, a rung higher after each fall."""

    cages: Cages
    ladder: tuple[Grant, ...]
    rung: int = 0
    key: RungKey | None = None
    _child: Child | None = None
    """What its turn has made ready."""

    @property
    def reactions(self) -> OnFailure:
        """What the ladder makes of running out of memory: an attempt for each rung that is left."""
        return {} if len(self.ladder) == 1 else {"oom": Reaction(attempts=len(self.ladder) - self.rung)}

    @contextlib.asynccontextmanager
    async def turn(self, _put_off: Callable[[float], Awaitable[None]]) -> AsyncIterator[None]:
        """Wait for the memory that is promised, and for a process; see `ports.Turn`."""
        grant = self.ladder[self.rung]
        async with self.cages.room.taken(grant.memory or 0):
            self._child = await self.cages.ready(grant)
            try:
                yield
            finally:
                child, self._child = self._child, None
                if child is not None:  # nobody called it
                    await self.cages.put(child, grant)

    async def call(self, request: Json) -> Json:
        """Return a result; raises as `Cages.call` does."""
        grant = self.ladder[self.rung]
        child, self._child = self._child or self.cages.take(grant), None
        try:
            value = await self.cages.call(child, grant, request)
        except OutOfMemory:
            self.rung = min(self.rung + 1, len(self.ladder) - 1)
            raise
        if self.key is not None and self.cages.rungs.worked(self.key, self.rung):
            await self.cages.threads.run(self.cages.rungs.tell, key=self.key)
        return value
