"""A plan's steps as a graph: who reads whom, who decides about whom, who only waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import networkx as nx

from ..compiler.plan import Lock, Plan, ResourcesPlan, StepPlan
from ..compiler.wires import Ref, references
from .failures import Refused

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
    graph: Graph = nx.DiGraph()
    for name, step in plan.steps.items():
        graph.add_node(name, step=step, wires=_wires(plan, step))
    for name in plan.steps:
        graph.add_edges_from((other, name) for other in sorted(wires(graph, name).needs))
    if not nx.is_directed_acyclic_graph(graph):
        raise Refused(f"the steps of {plan.plan} wait for each other", help="run `darner check` on the spec")
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


def _wires(plan: Plan, step: StepPlan) -> Wires:
    told = [step.with_, step.map.over] if step.map else [step.with_]
    own = {step.map.as_} if step.map else set()
    reads = {ref.root for ref in references(told) if ref.root in plan.steps and ref.root not in own}
    tests = tuple((_test(key), values) for key, values in step.when.items())
    return Wires(frozenset(reads), tests, frozenset(step.after))


def _test(key: str) -> Ref:
    root, *path = key.split(".")
    return Ref(root, tuple(int(part) if part.isdigit() else part for part in path))


def refuse_unsupported(plan: Plan, lock: Lock) -> None:
    """Refuse a plan that this version can't run to its end, before anything is started."""
    for name, step in plan.steps.items():
        for what in _unsupported(plan, step):
            place = lock.places.get(name)
            where = f"{place}: " if place else ""
            raise Refused(f"{where}the step {name} needs {what}, which this version of darner can't run", help="nothing was started")


def _unsupported(plan: Plan, step: StepPlan) -> Iterator[str]:
    if step.loop is not None:
        yield "a loop"
    if step.human is not None:
        yield f"a person ({step.human})"
    if step.calls:
        yield "calls"
    for reaction in step.on_failure.values():
        if reaction.ask is not None:
            yield f"a person ({reaction.ask})"
    if step.resources is not None and step.agent is None:
        yield from _unsupported_resources(plan.resources[step.resources], step)


def _unsupported_resources(resources: ResourcesPlan, step: StepPlan) -> Iterator[str]:
    """Memory and devices are promises: kept, or refused. An agent starts no process, so its resources concern nothing."""
    if step.tool is not None:
        yield "a tool with resources"
    if resources.gpu is not None or any(rung.gpu is not None for rung in resources.on_oom):
        yield "a GPU"
    if resources.image is not None:
        yield f"the image {resources.image}"
