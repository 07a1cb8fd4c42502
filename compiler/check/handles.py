"""``calls``: each callee is handed to a parameter of its name, as a handle of the right type."""

from __future__ import annotations

from ..diagnostics import Findings, did_you_mean
from ..meaning.assign import fits
from ..meaning.pipeline import Callee, Pipeline, StepNode
from ..meaning.resolve import callee_of
from ..signature import Parameter, Signature
from ..types import AnyType, CallType, MissingType, Type, describe


def handles_fit(pipeline: Pipeline, findings: Findings) -> None:
    """Report ``calls`` without a parameter, parameters without ``calls``, and handles of the wrong type."""
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        if node.callee is None:
            continue
        signature = node.callee.signature if node.callee.kind == "callable" else None
        if signature is not None:
            _step(pipeline, node, signature, findings)
        elif node.step.conducts and node.callee.kind != "callable":
            place = pipeline.main.key_span(*node.path, "calls")
            help_ = "an agent names what it may call under tools and agents"
            findings.error("E411", f"calls is for Python: {node.step.use} is {_a(node.callee.kind)}", place, help=help_)


def _step(pipeline: Pipeline, node: StepNode, signature: Signature, findings: Findings) -> None:
    handles = {one.name: one for one in signature.parameters if isinstance(one.type, CallType)}
    wanted = {name.replace(".", "_"): (index, name) for index, name in enumerate(node.step.calls)}
    if node.step.conducts and not signature.is_async:
        place = pipeline.main.span(*node.path, "use")
        findings.error("E411", f"{node.step.use} has calls and is not async", place, help="write async def, and await each call")
    for parameter, (index, name) in wanted.items():
        place = pipeline.main.span(*node.path, "calls", index)
        found = signature.parameter(parameter)
        callee = callee_of(pipeline, name)
        if found is None:
            help_ = did_you_mean(parameter, handles) or f"add the parameter {parameter}: {_handle_of(callee)}"
            findings.error("E411", f"{node.step.use} has no parameter {parameter}", place, help=help_)
        elif callee is not None:
            why = _misfit(pipeline, found, callee)
            if why:
                findings.error("E411", f"{parameter} of {node.step.use}: {why}", place, help=f"annotate it as {_handle_of(callee)}")
    for name in handles:
        if name not in wanted:
            place = pipeline.main.span(*node.path, "use")
            findings.error("E411", f"{node.step.use} wants to call {name}", place, help=f"add calls: [{name}]")


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "agent" else f"a {kind}"


def _misfit(pipeline: Pipeline, parameter: Parameter, callee: Callee) -> str | None:
    type_ = parameter.type
    if isinstance(type_, AnyType | MissingType):
        return None
    if not isinstance(type_, CallType):
        return f"{describe(type_)} is no handle"
    if type_.ask != (callee.kind == "human"):
        return f"{callee.name} is {_a(callee.kind)}"
    why = fits(callee.output, type_.output, pipeline.records)
    if why is not None:
        return f"the result: {why}"
    taken = _taken(callee)
    why = fits(type_.input, taken, pipeline.records) if type_.input is not None and taken is not None else None
    return f"the argument: {why}" if why is not None else None


def _taken(callee: Callee) -> Type | None:
    """Return the type of the one value that a callee takes, or None where it takes several, or anything."""
    if callee.whole is not None:
        return callee.whole
    single = [one for one in callee.parameters or () if one.variadic == "no"]
    single = [one for one in single if one.required] or single
    return single[0].type if len(single) == 1 else None


def _handle_of(callee: Callee | None) -> str:
    if callee is None:
        return "Call[In, Out]"
    if callee.kind == "human":
        return f"Ask[{describe(callee.output)}]"
    taken = _taken(callee)
    return f"Call[{describe(taken) if taken is not None else 'Any'}, {describe(callee.output)}]"
