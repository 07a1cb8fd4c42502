"""A report as lines of a tree: long maps and loops folded, one line a thing, each with its status apart so that it can be coloured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .questions import moment
from .report import CallReport, RoundReport, RunReport, StepReport, WaitReport

LONG_MAP = 10
"""Items of a mapped step above which only those are shown that failed, or are under way."""
LONG_LOOP = 5
"""Rounds of a loop above which only the last ones are shown."""
SHOWN = 3
_QUIET = frozenset({"done", "skipped", "open"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the tree's branches, a name, a status, and the rest."""

    branches: str
    name: str
    status: str = ""
    rest: str = ""

    def __str__(self) -> str:
        """Return the line without colours."""
        status = f"  {self.status}" if self.status else ""
        return f"{self.branches}{self.name}{status}{self.rest}"


@dataclass(frozen=True, slots=True)
class _Folded:
    """Stands for what isn't shown."""

    text: str


_Shown: TypeAlias = "StepReport | RoundReport | CallReport | _Folded"


def lines(told: RunReport, *, whole: bool = False) -> Iterator[Line]:
    """Yield a report as lines; ``whole`` folds nothing."""
    yield head(told)
    yield from _branches(told.steps, "  ", whole=whole)
    for wait in told.waiting:
        yield Line("  ", f"{wait.step} waits {waited_for(wait)}")
    if told.error:
        yield Line("  ", f"error: {told.error}")


def waited_for(wait: WaitReport) -> str:
    """Return what is waited for, as it follows the word ``waits``."""
    if wait.question is not None:
        return f"for {wait.human}: {wait.text} (question {wait.question})"
    return "for a time" if wait.due is None else f"until {moment(wait.due)}"


def head(told: RunReport) -> Line:
    """Return the line that says how a run stands."""
    taken = f", taken up {told.epochs} times" if told.epochs > 1 else ""
    held = f", held by {told.holder}" if told.holder else ""
    forked = f", forked from {told.forked}" if told.forked else ""
    hits = f", {told.hits} from a cache" if told.hits else ""
    used = f"{told.requests} model requests, {told.tokens} tokens, {told.cost}"
    return Line("", told.run, told.status, f"  ({told.plan}{taken}{held}{forked}, {used}{hits})")


def _branches(shown: Sequence[_Shown], indent: str, *, whole: bool) -> Iterator[Line]:
    for index, one in enumerate(shown):
        is_last = index == len(shown) - 1
        yield _line(indent + ("└─ " if is_last else "├─ "), one)
        deeper = indent + ("   " if is_last else "│  ")
        for failure in _own_failures(one):
            yield Line(deeper, f"failed with {failure}")
        yield from _branches(_below(one, whole=whole), deeper, whole=whole)


def _line(branches: str, one: _Shown) -> Line:
    match one:
        case StepReport():
            return Line(branches, one.step.rpartition("/")[2], one.status, _step_rest(one))
        case RoundReport():
            return Line(branches, f"round {one.round}", _round_status(one))
        case CallReport():
            return Line(branches, f"{one.what} {one.name}", one.status, _call_rest(one))
        case _Folded():
            return Line(branches, one.text)


def _step_rest(step: StepReport) -> str:
    place = f"  {step.place}" if step.status == "failed" and step.place else ""
    counts = f"  {count_items(step.items)}" if step.items else ""
    reason = f": {step.reason}" if step.reason else ""
    alone = _alone(step)
    runs = f"{alone.what} {alone.name}" if alone is not None else ""
    tried = f"{step.attempts} attempts" if step.attempts > 1 else ""
    asked = f"{step.requests} model requests, {step.tokens} tokens, {step.cost}" if step.requests else ""
    hits = "from a cache" if step.hits == 1 and alone is not None else f"{step.hits} from a cache" if step.hits else ""
    copied = "copied" if alone is not None and alone.source == "fork" else ""
    seconds = f"{step.seconds:.3f}s" if step.seconds else ""
    drift = f"{len(step.drift)} calls no longer asked for" if step.drift else ""
    told = ", ".join(one for one in (runs, seconds, tried, asked, hits, copied, drift) if one)
    return f"{reason}{place}{counts}{f'  ({told})' if told else ''}"


def count_items(items: Sequence[StepReport]) -> str:
    """Return how the items of a map came out: ``97 of 100 done, 3 failed``."""
    count = Counter(one.status for one in items)
    others = (f"{number} {status}" for status, number in count.items() if status != "done")
    return ", ".join([f"{count['done']} of {len(items)} done", *others])


def _call_rest(call: CallReport) -> str:
    tried = f", {call.attempts} attempts" if call.attempts > 1 else ""
    used = f", {call.requests} model requests, {call.tokens} tokens, {call.cost}" if call.requests else ""
    source = {"cache": ", from a cache", "fork": ", copied"}.get(call.source, "")
    return f" ({call.seconds:.3f}s{tried}{used}{source})"


def _round_status(one: RoundReport) -> str:
    seen = {step.status for step in one.steps}
    for status in ("failed", "waiting", "begun"):
        if status in seen:
            return status
    return "begun" if "open" in seen else "done"


def _alone(step: StepReport) -> CallReport | None:
    """Return a step's only call: it needs no line of its own."""
    return step.calls[0] if len(step.calls) == 1 and not step.items and not step.rounds else None


def _own_failures(one: _Shown) -> tuple[str, ...]:
    call = _alone(one) if isinstance(one, StepReport) else one if isinstance(one, CallReport) else None
    return call.failures if call is not None else ()


def _below(one: _Shown, *, whole: bool) -> Sequence[_Shown]:
    match one:
        case StepReport():
            alone = _alone(one)
            calls = one.calls if alone is None else alone.calls
            return [*_folded_items(one.items, whole=whole), *_folded_rounds(one.rounds, whole=whole), *calls]
        case RoundReport():
            return [*one.steps, *one.calls]
        case CallReport():
            return one.calls
        case _Folded():
            return ()


def _folded_items(items: Sequence[StepReport], *, whole: bool) -> Iterator[_Shown]:
    if whole or len(items) <= LONG_MAP:
        yield from items
        return
    told = Counter[str]()
    for item in items:
        told[item.status] += 1
        if item.status not in _QUIET and told[item.status] <= SHOWN:
            yield item
    for status, number in told.items():
        if status not in _QUIET and number > SHOWN:
            yield _Folded(f"… {number - SHOWN} more {status}")


def _folded_rounds(rounds: Sequence[RoundReport], *, whole: bool) -> Iterator[_Shown]:
    if not whole and len(rounds) > LONG_LOOP:
        yield _Folded(f"… rounds 1 to {len(rounds) - SHOWN}")
        rounds = rounds[-SHOWN:]
    yield from rounds
