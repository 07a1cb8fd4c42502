"""A plan's steps as a graph: who reads whom, who decides about whom, who only waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import networkx as nx

from ..compiler.plan import Lock, LoopPlan, Plan, StepPlan
from ..compiler.wires import Ref, references
from .failures import Refused
from .resources import lacking

Graph: TypeAlias = "nx.DiGraph[str]"


@dataclass(frozen=True, slots=True)
class Wires:
    """What a step depends on, by step name."""

    reads: frozenset[str]
    """Steps whose value it reads; if one is skipped, so is this."""
    tests: tuple[tuple[Ref, tuple[str | int | bool, ...]], ...]
    """What its ``when`` looks at, with the values that let it go on."""
    after: frozenset[str]

    @property
    def needs(self) -> frozenset[str]:
        """Every step that must be settled before this can start."""
        return self.reads | self.after | {ref.root for ref, _ in self.tests}


def build(plan: Plan) -> Graph:
    """Return the graph of a flow: a node a step, with ``step`` (its plan) and ``wires``; an edge to each that waits for it."""
    return build_steps(plan.plan, plan.steps)


def build_steps(title: str, steps: Mapping[str, StepPlan]) -> Graph:
    """Return the graph of the steps of a flow, or of a loop's body."""
    graph: Graph = nx.DiGraph()
    for name, step in steps.items():
        graph.add_node(name, step=step, wires=_wires(steps, step))
    for name in steps:
        graph.add_edges_from((other, name) for other in sorted(wires(graph, name).needs & set(steps)))
    if not nx.is_directed_acyclic_graph(graph):
        raise Refused(f"the steps of {title} wait for each other", help="run `darner check` on the spec")
    return graph


def step(graph: Graph, name: str) -> StepPlan:
    """Return a node's plan."""
    found: StepPlan = graph.nodes[name]["step"]
    return found


def wires(graph: Graph, name: str) -> Wires:
    """Return what a node depends on."""
    found: Wires = graph.nodes[name]["wires"]
    return found


def dependants(graph: Graph, names: Iterable[str]) -> tuple[str, ...]:
    """Return everything that waits for some of the steps, without these, in the order of the plan."""
    given = set(names)
    chosen = set[str]().union(*(nx.descendants(graph, name) for name in given)) - given
    return tuple(name for name in graph if name in chosen)


def _wires(steps: Mapping[str, StepPlan], step: StepPlan) -> Wires:
    reads, after = _around(step)
    tests = tuple((_test(key), values) for key, values in step.when.items())
    return Wires(frozenset(reads & set(steps)), tests, frozenset(after & set(steps)))


def _around(step: StepPlan) -> tuple[set[str], set[str]]:
    """Return the names of what a step reads, its ``when`` aside, and of what it only waits for; those inside a loop too."""
    reads = {ref.root for ref in references(step.with_)}
    after = set(step.after)
    if step.loop is not None:
        inner, waits = _around_loop(step.loop)
        reads, after = reads | inner, after | waits
    if step.map is not None:
        reads = (reads - {step.map.as_}) | {ref.root for ref in references(step.map.over)}
    return reads, after


def _around_loop(loop: LoopPlan) -> tuple[set[str], set[str]]:
    reads, waits = {ref.root for ref in references(loop.with_)}, set[str]()
    for inner in loop.steps.values():
        named, after = _around(inner)
        reads |= named | {_test(key).root for key in inner.when}
        waits |= after
    own = {"state", "round", *loop.steps}
    return (reads - own) | {ref.root for ref in references(loop.state)}, waits - own


def _test(key: str) -> Ref:
    root, *path = key.split(".")
    return Ref(root, tuple(int(part) if part.isdigit() else part for part in path))


def refuse_unsupported(plan: Plan, lock: Lock, *, gpus: int = 0, memory: int | None = None) -> None:
    """Refuse a plan that can't be run to its end here, before anything is started.

    ``gpus`` are the machine's devices, ``memory`` is what may be promised of it, in bytes; None: any.
    """
    for name, what, resources in _promises(plan):
        lack = lacking(plan.resources, resources, gpus, memory)
        if lack is not None:
            raise Refused(f"{_where(lock, name)}the {what} {name} needs {lack}", help="nothing was started")
    for name, step in _named_steps(plan.steps):
        if step.resources is not None and (step.conducts or step.human or step.loop):
            raise Refused(
                f"{_where(lock, name)}the step {name} starts no process of its own, so its resources can't be enforced",
                help="nothing was started; give them to what it calls",
            )
    _refuse_unheard(plan)


def _where(lock: Lock, name: str) -> str:
    place = lock.places.get(name)
    return f"{place}: " if place else ""


def _promises(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield what starts processes: its name, what it is, its resources. An agent starts none, so its own concern nothing."""
    for name, step in _named_steps(plan.steps):
        if step.resources is not None and step.agent is None:
            yield name, "step", step.resources
    yield from ((name, "tool", tool.resources) for name, tool in plan.tools.items() if tool.resources is not None)


def _refuse_unheard(plan: Plan) -> None:
    """Refuse callees that want a person asked when they fail, but are called from inside: only a step's own failure is shown to people."""
    steps = list(all_steps(plan))
    inside = {name for one in steps for name in one.calls}
    inside |= {name for agent in plan.agents.values() for name in (*agent.tools, *agent.agents)}
    reactions = {name: tool.on_failure for name, tool in plan.tools.items()} | {
        name: agent.on_failure for name, agent in plan.agents.items()
    }
    for name, reaction in reactions.items():
        if name in inside and any(one.ask is not None for one in reaction.values()):
            raise Refused(
                f"{name} wants a person asked when it fails, and is called by agents or through `calls`, where this version can't ask",
                help="nothing was started; write the `ask` into the on_failure of the step that calls it",
            )


def all_steps(plan: Plan) -> Iterator[StepPlan]:
    """Yield every step of a flow, those inside loops too."""
    return (step for _, step in _named_steps(plan.steps))


def _named_steps(steps: Mapping[str, StepPlan]) -> Iterator[tuple[str, StepPlan]]:
    for name, step in steps.items():
        yield name, step
        if step.loop is not None:
            yield from _named_steps(step.loop.steps)
