"""Everything in Python that a spec names is there, can be imported, and is annotated."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Findings, did_you_mean
from ..meaning.pipeline import Pipeline
from ..signature import Problem, Signature
from ..types import MissingType, OpaqueType, RecordType, Type
from . import mentions

_CODES = {"module": "E401", "attribute": "E402"}


def python_is_there(pipeline: Pipeline, findings: Findings) -> None:
    """Report names that can't be read, things of the wrong kind, and what lacks an annotation."""
    said: set[tuple[str, str]] = set()
    for one in mentions.python(pipeline) if pipeline.signatures.inspected else ():
        signature = pipeline.signatures.callables.get(one.ref)
        about = one.role if one.role in {"type", "connector"} else "function"
        if signature is None or (one.ref, about) in said:
            continue
        said.add((one.ref, about))
        if signature.problem is not None:
            _problem(one, signature.problem, findings)
        elif one.role == "type":
            _is_a_type(one, signature, findings)
        elif one.role == "connector":
            _gives_a_connector(one, signature, findings)
        else:
            _is_callable(one, signature, findings)


def _problem(one: mentions.PythonMention, problem: Problem, findings: Findings) -> None:
    module, _, attribute = one.ref.partition(":")
    wanted = attribute if problem.kind == "attribute" else module
    helps = {
        "module": "modules are looked for beside the spec first, then in the environment",
        "import": "darner imports a spec's modules to look at them: importing must work by itself",
        "timeout": "importing must not wait for anything: move such work into a function, or give --no-import",
        "crash": "importing must not end the process: move such work into a function",
    }
    help_ = did_you_mean(wanted, problem.known) or helps.get(problem.kind)
    findings.error(_CODES.get(problem.kind, "E401"), problem.message, one.span, help=help_)


def _is_a_type(one: mentions.PythonMention, signature: Signature, findings: Findings) -> None:
    if signature.type is None or isinstance(signature.type, OpaqueType):
        what = "a function" if signature.shape == "function" else "no type that can be stored"
        help_ = "types are pydantic models, dataclasses, TypedDicts, Literals, Enums, and lists of them"
        findings.error("E407", f"{one.ref} is {what}", one.span, help=help_)


def _gives_a_connector(one: mentions.PythonMention, signature: Signature, findings: Findings) -> None:
    """A function or any class will do: nothing flows through its arguments, so they need no annotations."""
    if signature.shape == "type" and not isinstance(signature.type, OpaqueType | RecordType):
        help_ = "name a class with a connector's methods, or a function that gives such an object"
        findings.error("E407", f"{one.ref} gives no connector", one.span, help=help_)


def _is_callable(one: mentions.PythonMention, signature: Signature, findings: Findings) -> None:
    if signature.shape == "type":
        help_ = "name a function, or a class with __call__"
        findings.error("E407", f"{one.ref} can't be called", one.span, help=help_)
        return
    for where, type_ in _annotations(signature):
        if isinstance(type_, MissingType):
            help_ = "darner knows types from annotations only; Any is an annotation too"
            findings.error("E403", f"{where} of {one.ref} has no annotation", one.span, help=help_)


def _annotations(signature: Signature) -> Iterator[tuple[str, Type]]:
    for one in signature.parameters:
        if one.variadic == "no":
            yield f"the parameter {one.name}", one.type
    if signature.called is not None:
        yield from _annotations(signature.called)
    elif signature.shape == "function":
        yield "the result", signature.returns
