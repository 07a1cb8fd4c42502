"""Ladders of resources climb: what ran out of memory is not tried again with as little."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import Findings, Label
from ..meaning.entries import Entry
from ..meaning.pipeline import Pipeline
from ..quantities import format_size
from ..settings import Gpu, Rung
from ..source import Span
from ..spec import Resources


@dataclass(frozen=True)
class _Given:
    """What a process has on a rung. ``memory`` is in bytes; without it nothing bounds the process but the machine."""

    memory: int | None
    gpu: Gpu | None
    batch: int | None
    place: Span

    def over(self, rung: Rung, place: Span) -> _Given:
        """Return what a rung over this base gives."""
        return _Given(rung.memory or self.memory, rung.gpu or self.gpu, rung.batch or self.batch, place)

    def helps_after(self, before: _Given) -> bool:
        """Return whether work that needed too much there may fit here: more memory, another device, fewer rows at once."""
        more = before.memory is not None and self.memory is not None and self.memory > before.memory
        fewer = self.batch is not None and (before.batch is None or self.batch < before.batch)
        return more or fewer or self.gpu != before.gpu


def ladders_climb(pipeline: Pipeline, findings: Findings) -> None:
    """Report rungs of ``on_oom`` that give no more than what came before them; each lies over the base."""
    for entry in pipeline.names.resources.values():
        _climbs(entry, findings)


def _climbs(entry: Entry[Resources], findings: Findings) -> None:
    base = before = _Given(entry.value.memory, entry.value.gpu, None, entry.place)
    for index, rung in enumerate(entry.value.on_oom):
        now = base.over(rung, entry.span("on_oom", index))
        if not now.helps_after(before):
            had = "all of the machine's memory" if before.memory is None else f"{format_size(before.memory)} of memory"
            message = f"resources.{entry.name}.on_oom.{index} gives no more than what ran out before it: {had}"
            help_ = "write more memory, a smaller batch or another gpu, from rung to rung; each rung lies over the base"
            findings.error("E513", message, now.place, labels=[Label(before.place, "before it")], help=help_)
        before = now
