"""Loops and maps: what goes round has a state of one type and an end; what is mapped is a list."""

from __future__ import annotations

from ..diagnostics import Findings
from ..meaning.assign import fits, required
from ..meaning.flows import verdicts_of
from ..meaning.pipeline import Pipeline, StepNode
from ..signature import Signature
from ..spec import Loop
from ..types import AnyType, ListType, MissingType, VerdictType, describe
from . import visible
from .arguments import arguments_of
from .values import fits_into, type_of

_SHAPE = "it returns Continue[S] | Stop[S] | Bail, with S the type of the loop's state"


def rounds_end(pipeline: Pipeline, findings: Findings) -> None:
    """Report loops whose ``next`` or ``state`` don't fit together, and maps over what is no list."""
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        if node.step.map is not None:
            _map(pipeline, node, node.step.map.over, findings)
        if node.step.loop is not None:
            _loop(pipeline, node, node.step.loop, findings)


def _map(pipeline: Pipeline, node: StepNode, over: str, findings: Findings) -> None:
    found = type_of(over, visible.of_step(pipeline, node))
    if not isinstance(found, AnyType | MissingType | ListType):
        place = pipeline.main.span(*node.path, "map", "over")
        findings.error("E606", f"{over} is {describe(found)}, and map goes over a list", place, help="name a list, or leave map out")


def _loop(pipeline: Pipeline, node: StepNode, loop: Loop, findings: Findings) -> None:
    signature = pipeline.signatures.callables.get(loop.next)
    if signature is None or signature.problem is not None or signature.shape == "type":
        return
    place = pipeline.main.span(*node.path, "loop", "next")
    verdicts = verdicts_of(signature)
    if not any(one.name == "Stop" for one in verdicts) or not _only_verdicts(signature, len(verdicts)):
        findings.error("E607", f"{loop.next} returns {describe(signature.returns)}", place, help=_SHAPE)
        return
    _state(pipeline, node, loop, verdicts, findings)
    if node.body is not None:
        around = visible.after_round(pipeline, node, node.body)
        where = visible.Place(loop.with_, pipeline.main, (*node.path, "loop", "with"), around)
        arguments_of(where, signature, loop.next.rpartition(":")[2], place, findings)


def _only_verdicts(signature: Signature, count: int) -> bool:
    options = getattr(signature.returns, "options", (signature.returns,))
    return len(options) == count


def _state(pipeline: Pipeline, node: StepNode, loop: Loop, verdicts: tuple[VerdictType, ...], findings: Findings) -> None:
    """Each round begins with a state of the same type: the first one, and what ``Continue`` hands on."""
    states = [one.state for one in verdicts if one.state is not None]
    for misfit in fits_into(loop.state, states[0], visible.of_step(pipeline, node)) if states else ():
        place = pipeline.main.span(*node.path, "loop", "state", *misfit.path)
        findings.error("E608", f"the state that {loop.next} goes on with: {misfit.message}", place)
    going_on = next((one.state for one in verdicts if one.name == "Continue"), None)
    stopped = next((one.state for one in verdicts if one.name == "Stop"), None)
    if going_on is not None and stopped is not None and fits(stopped, going_on, pipeline.records) is not None:
        place = pipeline.main.span(*node.path, "loop", "next")
        message = f"{loop.next} goes on with {describe(required(going_on))} and stops with {describe(required(stopped))}"
        findings.error("E608", message, place, help=_SHAPE)
