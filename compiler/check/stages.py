"""Stages: each takes the rows that the one before it gives."""

from __future__ import annotations

from collections.abc import Mapping

from ..diagnostics import Findings
from ..meaning.assign import fields_of, fits
from ..meaning.jobs import row_parameter
from ..meaning.pipeline import Pipeline, StageNode
from ..types import AnyType, ArrowType, ListType, MissingType, RecordType, Type, describe, is_known
from . import visible
from .arguments import arguments_of
from .visible import Place

_SHAPES = "a stage is T -> U, T -> U | None, T -> list[U], list[T] -> list[U], or RecordBatch -> RecordBatch"


def stages_fit(pipeline: Pipeline, findings: Findings) -> None:
    """Report stages of no known shape, and rows that don't fit."""
    for node in pipeline.stages:
        if node.callee is None:
            continue
        place = pipeline.main.span(*node.path, "use")
        if node.callee.kind not in {"callable", "agent"}:
            help_ = "a stage is a callable or an agent; give an agent the tool, or call it from Python"
            findings.error("E704", f"{node.stage.use} is a {node.callee.kind}, and a stage is none", place, help=help_)
            continue
        _rows(pipeline, node, findings)
        _settings(pipeline, node, findings)
        if node.callee.kind == "callable":
            _shape(pipeline, node, findings)
            _with(pipeline, node, findings)


def _rows(pipeline: Pipeline, node: StageNode, findings: Findings) -> None:
    if isinstance(node.takes, ArrowType) or isinstance(node.row, ArrowType):
        return
    why = fits(node.row, node.takes, pipeline.records)
    if why is not None:
        before = pipeline.stages[node.index - 1].stage.name if node.index else "the source"
        message = f"{node.stage.name} can't take the rows of {before}: {why}"
        findings.error("E703", message, pipeline.main.span(*node.path, "use"))


def _shape(pipeline: Pipeline, node: StageNode, findings: Findings) -> None:
    signature = node.callee.signature if node.callee is not None else None
    if signature is None or node.callee is None:
        return
    place = pipeline.main.span(*node.path, "use")
    if signature.shape == "type":
        return
    if row_parameter(node.callee, node.stage) is None:
        findings.error("E704", f"{node.stage.use} has no parameter for the row", place, help=_SHAPES)
    elif node.shape == "batch" and not isinstance(node.callee.output, ListType | AnyType | MissingType):
        findings.error("E704", f"{node.stage.use} takes a list and gives {describe(node.callee.output)}", place, help=_SHAPES)
    elif node.shape == "arrow" and not (_is_arrow(node.takes) and _is_arrow(node.gives)):
        findings.error("E704", f"{node.stage.use} is {describe(node.takes)} -> {describe(node.gives)}", place, help=_SHAPES)
    elif node.shape != "arrow" and not _is_record(pipeline, node.gives):
        help_ = "rows are pydantic models, dataclasses or TypedDicts"
        findings.error("E704", f"{node.stage.use} gives {describe(node.gives)}, which is no row", place, help=help_)


def _is_arrow(type_: Type) -> bool:
    return isinstance(type_, ArrowType | MissingType)


def _is_record(pipeline: Pipeline, type_: Type) -> bool:
    return not is_known(type_) or (isinstance(type_, RecordType) and fields_of(type_, pipeline.records) is not None)


def _settings(pipeline: Pipeline, node: StageNode, findings: Findings) -> None:
    """A setting that changes nothing is an error: somebody believes in it."""
    stage, main = node.stage, pipeline.main
    if stage.batch is not None and node.shape not in {"batch", "arrow"} and is_known(node.takes):
        help_ = "take a list[T] and return a list[U] of the same length, or leave batch out"
        findings.error("E705", f"{stage.use} takes one row at a time: batch means nothing", main.key_span(*node.path, "batch"), help=help_)
    if node.callee is not None and node.callee.kind == "agent" and stage.with_:
        help_ = "an agent sees the fields of its input: let an earlier stage put there what it needs"
        findings.error("E705", f"{stage.use} is an agent: with means nothing", main.key_span(*node.path, "with"), help=help_)
    signature = node.callee.signature if node.callee is not None else None
    is_async = signature is not None and (signature.called or signature).is_async
    if stage.concurrency is not None and signature is not None and not is_async:
        help_ = "write async def, or use more workers in its resources"
        message = f"{stage.use} is not async: concurrency means nothing"
        findings.error("E705", message, main.key_span(*node.path, "concurrency"), help=help_)


def _with(pipeline: Pipeline, node: StageNode, findings: Findings) -> None:
    """A class is built with ``with``; a function gets it beside the row."""
    signature = node.callee.signature if node.callee is not None else None
    row = row_parameter(node.callee, node.stage) if node.callee is not None else None
    if signature is None or row is None:
        return
    given: Mapping[str, object] = node.stage.with_
    rest = signature.parameters if signature.shape == "class" else tuple(one for one in signature.parameters if one.name != row.name)
    place = Place(dict(given), pipeline.main, (*node.path, "with"), visible.everywhere(pipeline))
    left = signature.model_copy(update={"parameters": rest})
    arguments_of(place, left, node.stage.use.rpartition(":")[2], pipeline.main.span(*node.path, "use"), findings)
