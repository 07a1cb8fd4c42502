"""What is to be done next: a pure function of the graph, the state and what is under way.

A step is skipped as soon as a value that it reads, or that its ``when`` tests, was skipped, or its ``when`` is false,
whatever else is still open: so the order in which others finish can't change the outcome. It starts once everything
that it reads, tests and comes after is settled. A failed step settles nothing: what depends on it stays open, and the
run ends as failed once nothing else can go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..compiler.wires import Ref, parse_reference
from . import graph as graphs
from .failures import CallableError
from .graph import Graph
from .known import MapState
from .ports import Json
from .state import RunState
from .wiring import Lookup, follow

MAX_PARALLEL = 64
"""Items of a mapped step that are under way at once, where the spec doesn't say."""


@dataclass(frozen=True, slots=True)
class Start:
    """Perform a step, or one item of a mapped one."""

    step: str
    index: int | None = None

    @property
    def path(self) -> str:
        """The step's path in the journal."""
        return self.step if self.index is None else f"{self.step}[{self.index}]"


@dataclass(frozen=True, slots=True)
class Expand:
    """Find out how many items a mapped step has."""

    step: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Settle a step without running it."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fail:
    """Settle a step as failed before it starts: its ``when`` looks at something that isn't there."""

    step: str
    message: str
    type: str


Command: TypeAlias = Start | Expand | Skip | Fail
Running: TypeAlias = Mapping[str, Collection[int | None]]
"""What is under way: step name to the indexes of its items, or to None."""


def decide(  # noqa: PLR0913 - what is known, and what is asked about
    graph: Graph, state: RunState, running: Running, lookup: Lookup, among: Iterable[str] | None = None, *, prefix: str = ""
) -> list[Command]:
    """Return what can be done now, in the order of the plan.

    Args:
        graph: see `graph.build`.
        state: what has happened.
        running: what is under way.
        lookup: gives the value of a step that is done.
        among: the only steps to look at; those that are settled, or wait for something that just was.
        prefix: what the steps' paths begin with; ``improve/2/`` in a round of a loop.
    """
    commands: list[Command] = []
    view = _View(graph, state, lookup, prefix)
    for name in graph if among is None else among:
        commands.extend(_next(view, running, name))
    return commands


@dataclass(frozen=True, slots=True)
class _View:
    """The steps of one scope, and how they stand."""

    graph: Graph
    state: RunState
    lookup: Lookup
    prefix: str

    def kind(self, name: str) -> str | None:
        """Return how a step was settled, None while it is open. What is around a loop is done before the loop begins."""
        if name not in self.graph:
            return "done"
        outcome = self.state.outcome(self.prefix + name)
        return None if outcome is None else outcome.kind


def _next(view: _View, running: Running, name: str) -> Iterator[Command]:
    path = view.prefix + name
    if view.state.outcome(path) is not None:
        return
    graph, items = view.graph, view.state.maps.get(path)
    if items is not None:
        limit = graphs.step(graph, name).map
        yield from _items(name, items, running.get(name, ()), (limit.max_parallel if limit else None) or MAX_PARALLEL)
    elif not running.get(name):
        yield from _begin(view, name)


def _items(name: str, items: MapState, running: Collection[int | None], limit: int) -> Iterator[Command]:
    room = min(limit, len(items.open)) - len(running)
    for index in items.open:
        if room <= 0:
            return
        if index not in running:
            room -= 1
            yield Start(name, index)


def _begin(view: _View, name: str) -> Iterator[Command]:
    wires = graphs.wires(view.graph, name)
    verdicts = [_test(view, ref, values) for ref, values in wires.tests]
    skipped = next((root for root in sorted(wires.reads | {ref.root for ref, _ in wires.tests}) if view.kind(root) == "skipped"), None)
    if skipped is not None:
        yield Skip(name, f"{skipped} was skipped")
    elif any(one.is_false for one in verdicts):
        yield Skip(name, next(one.reason for one in verdicts if one.is_false))
    elif all(view.kind(root) in {"done", "skipped"} for root in wires.needs):
        missing = next((one.error for one in verdicts if one.error is not None), None)
        if missing is not None:
            yield Fail(name, missing.message, missing.type_name)
        else:
            yield Expand(name) if graphs.step(view.graph, name).map else Start(name)


@dataclass(frozen=True, slots=True)
class _Verdict:
    is_false: bool = False
    reason: str = ""
    error: CallableError | None = None


def _test(view: _View, ref: Ref, wanted: tuple[Any, ...]) -> _Verdict:
    """Judge one key of a ``when``; while its step is open it is neither true nor false."""
    if view.kind(ref.root) != "done":
        return _Verdict()
    try:
        value = follow(ref, view.lookup)
    except CallableError as error:
        return _Verdict(error=error)
    # In Python True == 1; in a spec they are different.
    if any(type(one) is type(value) and one == value for one in wanted):
        return _Verdict()
    return _Verdict(is_false=True, reason=f"{str(ref)[1:]} is {_shown(value)}")


def _shown(value: Json) -> str:
    text = {True: "true", False: "false", None: "null"}.get(value) if value is None or isinstance(value, bool) else None
    return text or (repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}")


def failed_steps(graph: Graph, state: RunState, *, prefix: str = "") -> list[str]:
    """Return the steps that failed, in the order of the plan."""
    return [name for name in graph if (outcome := state.outcome(prefix + name)) is not None and outcome.kind == "failed"]


def outputs(written: Any, state: RunState, resolve: Callable[[Any], Json]) -> Json:
    """Return a flow's outputs: ``{first: […]}``, ``{k: REF}`` with null for what was skipped, or one REF."""
    if isinstance(written, Mapping):
        if set(written) == {"first"} and isinstance(written["first"], list | tuple):
            return next((resolve(one) for one in written["first"] if not _is_skipped(state, one)), None)
        return {key: None if _is_skipped(state, one) else resolve(one) for key, one in written.items()}
    return None if _is_skipped(state, written) else resolve(written)


def _is_skipped(state: RunState, value: Any) -> bool:
    ref = parse_reference(value) if isinstance(value, str) else None
    outcome = state.outcome(ref.root) if ref is not None else None
    return outcome is not None and outcome.kind == "skipped"
