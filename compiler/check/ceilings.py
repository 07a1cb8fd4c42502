"""The policy's ceilings on memory and GPUs hold on every rung."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Findings
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline
from ..quantities import format_size
from ..settings import Gpu
from ..source import Span
from ..spec import Resources


def ceilings_hold(pipeline: Pipeline, findings: Findings) -> None:
    """Report memory and GPUs over the policy, in resources, on each rung of ``on_oom``, and in sandboxes."""
    for entry in pipeline.names.resources.values():
        for size, place in _memory(entry):
            _compare_memory(pipeline, size, place, findings)
        for gpu, place in _gpus(entry):
            _compare_gpu(pipeline, gpu, entry.value.workers or 1, place, findings)
    for tool in pipeline.names.tools.values():
        if tool.value.sandbox is not None and tool.value.sandbox.memory is not None:
            _compare_memory(pipeline, tool.value.sandbox.memory, tool.span("sandbox", "memory"), findings)


def note(pipeline: Pipeline, key: str) -> tuple[str, ...]:
    """Return the note that says where a rule of the policy stands."""
    place = pipeline.policy.places.get(key)
    return (f"policy: {place}",) if place is not None else ()


def _memory(entry: Entry[Resources]) -> Iterator[tuple[int, Span]]:
    if entry.value.memory is not None:
        yield entry.value.memory, entry.span("memory")
    for index, rung in enumerate(entry.value.on_oom):
        if rung.memory is not None:
            yield rung.memory, entry.span("on_oom", index, "memory")


def _gpus(entry: Entry[Resources]) -> Iterator[tuple[Gpu, Span]]:
    if entry.value.gpu is not None:
        yield entry.value.gpu, entry.span("gpu")
    for index, rung in enumerate(entry.value.on_oom):
        if rung.gpu is not None:
            yield rung.gpu, entry.span("on_oom", index, "gpu")


def _compare_memory(pipeline: Pipeline, size: int, place: Span, findings: Findings) -> None:
    most = pipeline.policy.policy.max_memory
    if most is not None and size > most:
        message = f"{format_size(size)} is over policy.max_memory {format_size(most)}"
        findings.error("E501", message, place, notes=note(pipeline, "max_memory"))


def _compare_gpu(pipeline: Pipeline, gpu: Gpu, workers: int, place: Span, findings: Findings) -> None:
    policy = pipeline.policy.policy
    if policy.max_gpus is not None and gpu.count * workers > policy.max_gpus:
        each = f" ({gpu.count} for each of {workers} workers)" if workers > 1 else ""
        message = f"{gpu.count * workers} GPUs{each} are over policy.max_gpus {policy.max_gpus}"
        findings.error("E502", message, place, notes=note(pipeline, "max_gpus"))
    if policy.gpu_types is not None and gpu.type not in policy.gpu_types:
        message = f"{gpu.type} is not among policy.gpu_types {', '.join(policy.gpu_types) or '(none)'}"
        findings.error("E503", message, place, notes=note(pipeline, "gpu_types"))
