"""A job's ends: datasets whose key is in their type, connectors that are known, rows that fit the sink."""

from __future__ import annotations

from ..diagnostics import Findings, Label, did_you_mean
from ..meaning.assign import fields_of, fits, required
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline
from ..meaning.typetext import read_type
from ..spec import Dataset
from ..types import AnyType, ArrowType, ScalarType, describe


def ends_fit(pipeline: Pipeline, findings: Findings) -> None:
    """Report datasets without their key, unknown connectors, and rows that the sink can't take."""
    for entry in pipeline.names.datasets.values():
        _dataset(pipeline, entry, findings)
    job = pipeline.main.spec.job
    if job is None:
        return
    if job.source == job.sink.to:
        place, label = pipeline.main.span("job", "sink", "to"), Label(pipeline.main.span("job", "source"), "the source")
        findings.error("E707", f"{job.source} is read and written", place, labels=[label], help="write into another dataset")
    _sink(pipeline, job.sink.to, findings)


def _dataset(pipeline: Pipeline, entry: Entry[Dataset], findings: Findings) -> None:
    dataset = entry.value
    known = pipeline.connectors
    if known is not None and ":" not in dataset.use and dataset.use not in known:
        help_ = did_you_mean(dataset.use, known) or "or name a callable, module.path:attr"
        findings.error("E708", f"there is no connector {dataset.use}", entry.span("use"), help=help_)
    type_ = read_type(dataset.type, pipeline.signatures)
    fields = fields_of(type_, pipeline.records)
    if fields is None:
        if not isinstance(type_, AnyType):
            help_ = "the type of a row has fields: a pydantic model, a dataclass or a TypedDict"
            findings.error("E702", f"{describe(type_)} has no fields", entry.span("type"), help=help_)
        return
    names = [one.name for one in fields]
    label = Label(entry.span("type"), "the type")
    for key, name in (("key", dataset.key), ("deleted", dataset.deleted)):
        if name is not None and name not in names:
            findings.error(
                "E702", f"{describe(type_)} has no field {name}", entry.span(key), labels=[label], help=did_you_mean(name, names)
            )
    deleted = next((one for one in fields if one.name == dataset.deleted), None)
    if deleted is not None and required(deleted.type) not in (ScalarType(name="bool"), AnyType()):
        message = f"{dataset.deleted} is {describe(deleted.type)}, and a row is deleted or not"
        findings.error("E702", message, entry.span("deleted"), labels=[label], help="name a bool field")


def _sink(pipeline: Pipeline, name: str, findings: Findings) -> None:
    entry = pipeline.names.datasets.get(name)
    rows = pipeline.stages[-1].gives
    if entry is None or isinstance(rows, ArrowType):
        return
    why = fits(rows, read_type(entry.value.type, pipeline.signatures), pipeline.records)
    if why is not None:
        last = pipeline.stages[-1]
        label = Label(pipeline.main.span(*last.path, "use"), f"the last stage gives {describe(rows)}")
        message = f"{name} can't take these rows: {why}"
        findings.error("E703", message, pipeline.main.span("job", "sink", "to"), labels=[label])
