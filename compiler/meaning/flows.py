"""Flows resolved: steps in order, each with its callee, what it may name, and the type of its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..binding.bound import Bound
from ..diagnostics import Findings
from ..signature import Signature, Signatures
from ..spec import Loop, Step
from ..text.syntax import Path
from ..types import AnyType, ListType, ScalarType, Type, UnionType, VerdictType
from ..wires import RESERVED_ROOTS, Ref, parse_reference, references
from .follow import Astray, follow
from .order import circle, topological
from .pipeline import Callee, Scope, StepNode

INTEGER = ScalarType.model_construct(name="int")


@dataclass(frozen=True)
class FlowResolver:
    """What resolving steps needs to know. ``callee`` gives the ports of a ``use``."""

    bound: Bound
    signatures: Signatures
    callee: Callable[[str], Callee | None]
    findings: Findings

    def scope(self, path: Path, steps: Mapping[str, Step], outer: Mapping[str, Type]) -> Scope:
        """Return the steps at ``path`` in order, with types; steps that wait for each other are reported."""
        needs = {name: sorted(_waits_for(step, steps)) for name, step in steps.items()}
        order, stuck = topological(needs)
        if stuck:
            self._report_circle(path, circle(needs, stuck))
        done: dict[str, StepNode] = {}
        lost: dict[str, Type] = dict.fromkeys(stuck, AnyType())
        for name in [*order, *stuck]:
            around = {**outer, **lost} if name in stuck else outer
            done[name] = self._step((*path, name), steps[name], tuple(needs[name]), done, around)
        return Scope(path, tuple(done.values()), outer)

    def _step(self, path: Path, step: Step, needs: tuple[str, ...], done: Mapping[str, StepNode], outer: Mapping[str, Type]) -> StepNode:
        name = str(path[-1])
        inside = {**outer, **{one.name: one.result for one in done.values()}}
        if step.map is not None:
            inside[step.map.as_] = _item(self.type_of(step.map.over, inside))
        callee = self.callee(step.use) if step.use is not None else None
        body, result = self._loop(path, step.loop, inside) if step.loop is not None else (None, callee.output if callee else AnyType())
        if step.map is not None:
            result = ListType(item=result)
        return StepNode(name, path, step, callee, inside, needs, body, result, _skippable(step, done))

    def _loop(self, path: Path, loop: Loop, inside: Mapping[str, Type]) -> tuple[Scope, Type]:
        signature = self.signatures.callables.get(loop.next)
        verdicts = {one.name: one.state for one in verdicts_of(signature)} if signature is not None else {}
        state = verdicts.get("Continue") or verdicts.get("Stop") or self.type_of(loop.state, inside)
        body = self.scope((*path, "loop", "steps"), loop.steps, {**inside, "state": state, "round": INTEGER})
        return body, verdicts.get("Stop") or state

    def type_of(self, value: Any, inside: Mapping[str, Type]) -> Type:
        """Return the type that a reference points at, ``Any`` where it leads nowhere."""
        ref = parse_reference(value) if isinstance(value, str) else None
        if ref is None:
            return AnyType()
        found = follow(inside.get(ref.root, AnyType()), ref.path, self.signatures.records)
        return AnyType() if isinstance(found, Astray) else found

    def _report_circle(self, path: Path, names: list[str]) -> None:
        place = self.bound.key_span(*path, names[0])
        message = f"steps wait for each other: {' → '.join(reversed(names))}"
        self.findings.error("E601", message, place, help="to go round until something is good enough, use loop with max_rounds")


def verdicts_of(signature: Signature) -> tuple[VerdictType, ...]:
    """Return what a loop's ``next`` may return, as far as its annotation says so."""
    returned = signature.returns
    options = returned.options if isinstance(returned, UnionType) else (returned,)
    return tuple(option for option in options if isinstance(option, VerdictType))


def _item(over: Type) -> Type:
    return over.item if isinstance(over, ListType) else AnyType()


def step_references(step: Step) -> Iterator[Ref]:
    """Yield every reference that a step makes to what is around it: arguments, map, loop, and ``when``."""
    own = set(step.loop.steps) | {"state", "round"} if step.loop else set()
    own |= {step.map.as_} if step.map else set()
    yield from (ref for ref in _all_references(step) if ref.root not in own)


def _all_references(step: Step) -> Iterator[Ref]:
    yield from references(step.with_)
    yield from (ref for key in step.when if (ref := parse_reference(f"${key}")) is not None)
    if step.map is not None:
        yield from references(step.map.over)
    if step.loop is not None:
        yield from references(step.loop.state)
        yield from references(step.loop.with_)
        for inner in step.loop.steps.values():
            yield from step_references(inner)


def _waits_for(step: Step, steps: Mapping[str, Step]) -> set[str]:
    inner = {one for body in (step.loop.steps.values() if step.loop else ()) for one in body.after}
    named = {ref.root for ref in step_references(step)} | set(step.after) | inner
    return (named & set(steps)) - RESERVED_ROOTS


def _skippable(step: Step, done: Mapping[str, StepNode]) -> bool:
    if step.when or any(reaction.then == "skip" for reaction in step.on_failure.values()):
        return True
    return any(ref.root in done and done[ref.root].skippable for ref in step_references(step))
