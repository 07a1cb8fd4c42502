"""Every callee is given what it takes: nothing missing, nothing unknown, every type right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..diagnostics import Findings, did_you_mean
from ..meaning.pipeline import Callee, Pipeline, StepNode
from ..signature import Parameter, Signature
from ..source import Span
from ..types import CallType, OpaqueType
from ..wires import is_reference
from . import visible
from .values import fits_into
from .visible import Place


def arguments_fit(pipeline: Pipeline, findings: Findings) -> None:
    """Report arguments of steps and tools that are missing, unknown or of the wrong type."""
    for node in pipeline.flow.all_steps() if pipeline.flow is not None else ():
        if node.callee is not None and node.callee.parameters is not None:
            _step(pipeline, node, node.callee, findings)
    for entry in pipeline.names.tools.values():
        signature = pipeline.signatures.callables.get(entry.value.use or "")
        if signature is not None and signature.problem is None and entry.value.with_:
            bound, path = entry.origins["with"]
            place = Place(entry.value.with_, bound, (*path, "with"), visible.everywhere(pipeline))
            _named(place, entry.value.with_, signature.parameters, entry.value.use or "", findings)


def _step(pipeline: Pipeline, node: StepNode, callee: Callee, findings: Findings) -> None:
    place = Place(node.step.with_, pipeline.main, (*node.path, "with"), visible.of_step(pipeline, node))
    handles = {name.replace(".", "_") for name in node.step.calls}
    taken = [one for one in callee.parameters or () if one.name not in handles and not isinstance(one.type, CallType)]
    _compare(place, taken, callee, pipeline.main.span(*node.path, "use"), findings)


def _compare(place: Place, taken: Sequence[Parameter], callee: Callee, use: Span, findings: Findings) -> None:
    given = place.value
    if isinstance(given, Mapping):
        _named(place, given, taken, _of(callee), findings)
        _missing(given, taken, _of(callee), place.bound.key_span(*place.path), findings)
    elif is_reference(given):
        _whole(place, taken, callee, findings)
    elif given is None:
        _missing({}, taken, _of(callee), use, findings)
    else:
        help_ = "write {argument: value}, or one reference"
        findings.error("E409", "with is a mapping of arguments, or one reference", place.bound.span(*place.path), help=help_)


def arguments_of(place: Place, signature: Signature, of: str, use: Span, findings: Findings) -> None:
    """Compare a ``with`` with a plain callable's parameters; ``use`` is where the callable is named."""
    _compare(place, signature.parameters, Callee("callable", of), use, findings)


def _of(callee: Callee) -> str:
    return callee.name.rpartition(":")[2] if callee.kind == "callable" else callee.name


def _named(place: Place, given: Mapping[str, Any], taken: Sequence[Parameter], of: str, findings: Findings) -> None:
    known = {one.name: one for one in taken if one.variadic == "no"}
    takes_anything = any(one.variadic == "kwargs" for one in taken)
    for name, value in given.items():
        if name in known:
            target = known[name].type
            for misfit in fits_into(value, target, place.visible, (name,)) if not isinstance(target, OpaqueType) else ():
                place.report(misfit, findings, f"{name} of {of}: ")
        elif not takes_anything:
            help_ = did_you_mean(name, known) or f"{of} takes no arguments"
            findings.error("E404", f"{of} takes no argument {name}", place.bound.key_span(*place.path, name), help=help_)


def _missing(given: Mapping[str, Any], taken: Sequence[Parameter], of: str, place: Span, findings: Findings) -> None:
    missing = [one.name for one in taken if one.required and one.variadic == "no" and one.name not in given]
    if missing:
        example = ", ".join(f"{name}: …" for name in missing)
        names = " and ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
        findings.error("E405", f"{of} is not given {names}", place, help=f"add it to with: {{{example}}}")


def _whole(place: Place, taken: Sequence[Parameter], callee: Callee, findings: Findings) -> None:
    """Look at ``with: $ref``, which passes one value as the only parameter."""
    target = callee.whole
    if target is None:
        single = [one for one in taken if one.variadic == "no"]
        single = [one for one in single if one.required] or single
        if len(single) != 1:
            names = ", ".join(one.name for one in single)
            help_ = "write with: {" + ", ".join(f"{one.name}: …" for one in single) + "}" if single else "leave with out"
            message = f"{_of(callee)} takes {f'several values ({names})' if single else 'no value'}, and {place.value} is one"
            findings.error("E409", message, place.bound.span(*place.path), help=help_)
            return
        target = single[0].type
    for misfit in fits_into(place.value, target, place.visible):
        place.report(misfit, findings, f"the input of {_of(callee)}: ")
