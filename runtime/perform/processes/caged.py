"""Callables in child processes with enforced memory: one step's out-of-memory never takes the run with it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ....compiler.plan import ResourcesPlan
from ...ports import Json
from ..callables import invoke
from ..threads import Threads
from .children import Child, ChildTask


def call_here(request: Json) -> Json:
    """Call a callable in this process, which is the child: ``{"ref", "arguments", "named"}`` in, its result out."""
    return asyncio.run(invoke(Threads(), request["ref"], request["arguments"], named=request["named"]))


def ladder(resources: ResourcesPlan) -> tuple[int | None, ...]:
    """Return the memory of each rung in bytes, the base first; each rung of ``on_oom`` lies over the base."""
    return (resources.memory, *(rung.memory or resources.memory for rung in resources.on_oom))


@dataclass
class Cages:
    """The child processes of one run. Idle ones are used again; one whose caller gave up is ended."""

    folder: str
    """The spec's folder: its modules are found there first."""
    threads: Threads
    plans: Mapping[str, ResourcesPlan] = field(default_factory=dict)
    target: str = f"{__name__}:{call_here.__name__}"
    """What the children run; see `children.ChildTask`."""
    setup: Json = None
    _idle: defaultdict[int | None, list[Child]] = field(default_factory=lambda: defaultdict(list))
    _rungs: dict[str, int] = field(default_factory=dict)

    def rungs(self, resources: str) -> int:
        """Return how many rungs there are to try."""
        return len(ladder(self.plans[resources]))

    async def call(self, node: str, resources: str, request: Json, fallen: int) -> Json:
        """Return a callable's result from a child.

        Args:
            node: the step; the rung that worked is remembered for it.
            resources: the entry of the plan whose memory it gets.
            request: see `call_here`.
            fallen: how often this call ran out of memory already.

        Raises:
            OutOfMemory: it went over its memory.
            Crashed: it died of something else.
            CallableError: it raised.
        """
        rungs = ladder(self.plans[resources])
        rung = min(max(self._rungs.get(node, 0), fallen), len(rungs) - 1)
        value = await self.call_with(rungs[rung], request)
        self._rungs[node] = rung
        return value

    async def call_with(self, memory: int | None, request: Json) -> Json:
        """Return a result from a child with so many bytes of memory; see `call`."""
        idle = self._idle[memory]
        child = idle.pop() if idle else Child(self._task(memory))
        try:
            value = await self.threads.run(child.call, request=request)
        except BaseException:
            child.close()
            raise
        idle.append(child)
        return value

    def _task(self, memory: int | None) -> ChildTask:
        return ChildTask(self.target, setup=self.setup, memory=memory, sys_path=(self.folder,))

    def close(self) -> None:
        """End all children."""
        for children in self._idle.values():
            for child in children:
                child.close()
        self._idle.clear()
