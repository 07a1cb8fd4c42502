"""What failed, and what that cost, told to people: a table by class, each attempt with its place, one line at a run's end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..compiler.quantities import format_money
from .known import CallState
from .ledger import NONE, Attempt, ByClass, Totals, attempts_as_json, totals_as_json
from .report import RunReport, StepReport
from .tree import Line, head

HEADS = ("class", "attempts", "calls", "spent", "waited", "tokens", "money", "questions")
"""The heads of a table of totals by class."""


def lines(told: RunReport, attempts: Sequence[Attempt], found: ByClass) -> Iterator[Line]:
    """Yield what failed in a run: totals by class, then step by step each failed attempt, with the step's place in the spec."""
    yield head(told)
    yield from table(found)
    by_step: dict[str, list[Attempt]] = {}
    for one in attempts:
        by_step.setdefault(one.step, []).append(one)
    for step in _all(told.steps):
        tried = by_step.pop(step.step, [])
        if step.status == "failed" or tried:
            place = f"  {step.place}" if step.place else ""
            yield Line("  ", step.step, step.status, f"{f': {step.reason}' if step.reason else ''}{place}")
            yield from _tried(tried)
    for name, tried in by_step.items():  # of a round that was done anew, or a step that another plan has no more
        yield Line("  ", name)
        yield from _tried(tried)
    if told.error:
        yield Line("  ", f"error: {told.error}")


def _all(steps: Sequence[StepReport]) -> Iterator[StepReport]:
    for step in steps:
        yield step
        yield from _all(step.items)
        for one in step.rounds:
            yield from _all(one.steps)


def _tried(tried: Iterable[Attempt]) -> Iterator[Line]:
    for one in tried:
        if one.what != "step":
            yield Line("    ", f"{one.what} {one.name}", "", f" failed with {one.failure}: {one.type}: {one.cause}{_cost(one)}")
            if one.where:
                yield Line("      ", one.where)


def _cost(one: Attempt) -> str:
    number = f"attempt {one.attempt}" if one.attempt > 1 else ""
    used = f"{one.tokens} tokens, {format_money(one.cost)}" if one.tokens else "" if one.is_known else "what it cost isn't known"
    waited = f"then waited {one.wait:.1f}s" if one.wait else ""
    told = ", ".join(text for text in (number, f"{one.seconds:.1f}s" if one.seconds >= 0.05 else "", used, waited) if text)  # noqa: PLR2004 - what is shown as 0.1
    return f" ({told})" if told else ""


def where(path: str, calls: Iterable[CallState]) -> str:
    """Return where the user's code raised what a step failed with, of the first call of it that knows; empty where none does."""
    last = (one.failures[-1].where for one in calls if one.root == path and one.payload is None and one.failures)
    return next(filter(None, last), "")


def table(found: ByClass) -> Iterator[Line]:
    """Yield totals by class as a table, with their sum below; nothing where nothing failed."""
    if found:
        rows = [(failure, *cells(totals)) for failure, totals in found.items()]
        more = [("all", *cells(sum(found.values(), NONE)))] if len(rows) > 1 else []
        yield from aligned([HEADS, *rows, *more], words=1)


def cells(totals: Totals) -> tuple[str, ...]:
    """Return totals as the cells of a row below `HEADS`, but for the class."""
    tokens = f"{totals.tokens:,}{' and more' if totals.unknown else ''}"
    return (
        f"{totals.attempts:,}", f"{totals.calls:,}", f"{totals.seconds:.1f}s", f"{totals.waited:.1f}s", tokens,
        format_money(totals.cost), str(totals.questions),
    )  # fmt: skip


def aligned(rows: Sequence[Sequence[str]], words: int) -> Iterator[Line]:
    """Yield rows as lines whose columns stand below each other; the first ``words`` to the left, numbers to the right."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            text.ljust(width) if place < words else text.rjust(width) for place, (text, width) in enumerate(zip(row, wide, strict=True))
        ]
        yield Line("  ", "  ".join(cells).rstrip())


def sentence(found: ByClass) -> str | None:
    """Return in one line what failures cost; None where nothing failed that cost anything."""
    told = sum(found.values(), NONE)
    if not (told.attempts or told.questions or told.tokens):
        return None
    classes = ", ".join(f"{one.attempts} {failure}" for failure, one in found.items() if one.attempts)
    parts = [f"{told.tokens:,} tokens", format_money(told.cost), f"{told.minutes:.1f} minutes"]
    parts += [f"{told.questions} question{'s' if told.questions > 1 else ''}"] if told.questions else []
    more = f"; what {told.unknown} more cost isn't known" if told.unknown else ""
    return f"failed attempts: {told.attempts} ({classes or 'none'}), which cost {', '.join(parts)}{more}"


def as_json(found: ByClass, attempts: Iterable[Attempt] | None = None) -> dict[str, Any]:
    """Return what failures cost as JSON: a sum, by class, and attempt by attempt where they are given."""
    classes = {failure: totals_as_json(totals) for failure, totals in found.items()}
    told = {**totals_as_json(sum(found.values(), NONE)), "classes": classes}
    return told if attempts is None else {**told, "tried": attempts_as_json(attempts)}
