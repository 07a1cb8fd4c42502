"""A stage's callable, called as its shape says: row by row, in batches, or many rows at once."""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from pydantic import TypeAdapter, ValidationError

from ....compiler.plan import Plan, StagePlan
from ....compiler.wires import substitute
from ...failures import CallableError, Refused, Semantic
from ...perform.values import explain, load, parameter_types
from ...retry import Attempts
from ..columns import RowType, conform, row_type
from ..outcomes import Done, Filtered, Outcome
from ..policy import ROW_ERRORS, FailurePolicy, Used, as_failure, row_error, times

DEFAULT_BATCH = 256
DEFAULT_CONCURRENCY = 16


Report: TypeAlias = Callable[[int, Sequence[Outcome]], None]
"""Is handed outcomes as they come: those of the values from a place on."""


def unreported(start: int, outcomes: Sequence[Outcome]) -> None:
    """Tell nobody."""


class Caller(Protocol):
    """Calls a stage's callable for the rows of a shard."""

    def run(self, values: Sequence[Any], batch: int | None, report: Report = unreported) -> list[Outcome]:
        """Return one outcome for each value, in order.

        ``batch`` takes the place of the stage's own size; ``report`` is handed outcomes as they come.
        """
        ...


@dataclass(frozen=True, slots=True)
class StageTypes:
    """The record types that a stage takes and gives; None for Arrow batches."""

    input: RowType | None
    output: RowType | None


def stage_types(plan: Plan, stage: StagePlan) -> StageTypes:
    """Return a stage's record types, from its agent's or its callable's annotations."""
    agent = plan.agents.get(stage.runs)
    if agent is not None:
        return StageTypes(row_type(load(agent.input)), row_type(load(agent.output)))
    if stage.shape == "arrow":
        return StageTypes(None, row_type(load(stage.output)) if stage.output else None)
    called = load(stage.runs)
    hints = typing.get_type_hints(called.__call__ if stage.built_once else called)
    names = [name for name in hints if name != "return"]
    taken, given = hints[names[0]], hints["return"]
    return StageTypes(row_type(_item(taken)), row_type(load(stage.output) if stage.output else _item(given)))


def _item(hint: Any) -> Any:
    """Return the record type inside ``list[T]`` or ``T | None``."""
    inner = [one for one in typing.get_args(hint) if one is not type(None)]
    return _item(inner[0]) if inner else hint


def built(stage: StagePlan, params: Mapping[str, Any]) -> Callable[..., Any]:
    """Return a stage's callable ready to be called with rows: its class built, or its ``with`` bound."""
    target = load(stage.runs)
    options = _coerced(stage.runs, target, substitute(stage.with_, params))
    if not stage.built_once:
        return target if not options else _Bound(target, options)
    try:
        made: Callable[..., Any] = target(**options)
    except (Refused, MemoryError):
        raise
    except ROW_ERRORS as error:
        raise CallableError(f"{stage.runs} can't be built: {type(error).__name__}: {error}", type_name=type(error).__name__) from error
    return made


@dataclass(frozen=True, slots=True)
class _Bound:
    target: Callable[..., Any]
    options: Mapping[str, Any]

    def __call__(self, value: Any) -> Any:
        return self.target(value, **self.options)


def _coerced(ref: str, target: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``with`` as the annotations want it: a bound ``${params.dim}`` is text, and may be meant as a number."""
    hints = parameter_types(ref, target.__init__ if inspect.isclass(target) else target)
    found = {}
    for name, value in options.items():
        try:
            found[name] = TypeAdapter(hints[name]).validate_python(value) if name in hints else value
        except ValidationError as error:
            raise Refused(f"{ref} can't take {name}: {explain(error)}", help="look at the stage's `with`") from error
    return found


@dataclass(frozen=True, slots=True)
class RowCaller:
    """``T -> U`` and ``T -> U | None``, one row after another."""

    function: Callable[[Any], Any]
    output: RowType
    policy: FailurePolicy
    filters: bool

    def run(self, values: Sequence[Any], batch: int | None, report: Report = unreported) -> list[Outcome]:  # noqa: ARG002 - rows know no batch
        """Call for each value."""
        outcomes = []
        for place, value in enumerate(values):
            outcomes.append(self._one(value))
            report(place, outcomes[-1:])
        return outcomes

    def _one(self, value: Any) -> Outcome:
        try:
            return self._outcome(self.function(value))
        except ROW_ERRORS as error:  # whatever user code raises is the row's failure
            return self._again(value, row_error(error))

    def _outcome(self, result: Any) -> Outcome:
        return Filtered() if result is None and self.filters else Done(conform(self.output, result))

    def _again(self, value: Any, error: Exception) -> Outcome:
        try:
            return self.policy.tried(lambda: self._outcome(self.function(value)), error)
        except Used as used:
            return self.policy.settle(used.error, used.attempts)


@dataclass(frozen=True, slots=True)
class BatchCaller:
    """``list[T] -> list[U]``, same length and order. A batch that fails is halved until the bad rows stand alone."""

    function: Callable[[list[Any]], Sequence[Any]]
    output: RowType
    policy: FailurePolicy
    size: int

    def run(self, values: Sequence[Any], batch: int | None, report: Report = unreported) -> list[Outcome]:
        """Call for each batch."""
        size, outcomes = batch or self.size, list[Outcome]()
        for start in range(0, len(values), size):
            outcomes += self._some(list(values[start : start + size]))
            report(start, outcomes[start:])
        return outcomes

    def _some(self, values: list[Any]) -> list[Outcome]:
        try:
            return self._outcomes(values)
        except ROW_ERRORS as error:  # whatever user code raises belongs to some row of the batch
            first = row_error(error)
        if len(values) > 1:
            middle = len(values) // 2
            return self._some(values[:middle]) + self._some(values[middle:])
        try:
            return self.policy.tried(lambda: self._outcomes(values), first)
        except Used as used:
            return [self.policy.settle(used.error, used.attempts)]

    def _outcomes(self, values: list[Any]) -> list[Outcome]:
        results = list(self.function(values))
        if len(results) != len(values):
            raise Semantic(f"the callable gave {len(results)} rows for {len(values)}", type_name="WrongLength")
        return [Done(conform(self.output, result)) for result in results]


@dataclass(frozen=True, slots=True)
class AsyncCaller:
    """``async T -> U``, up to ``concurrency`` rows at once."""

    function: Callable[[Any], Awaitable[Any]]
    output: RowType
    policy: FailurePolicy
    runner: asyncio.Runner
    concurrency: int
    filters: bool

    def run(self, values: Sequence[Any], batch: int | None, report: Report = unreported) -> list[Outcome]:  # noqa: ARG002 - rows know no batch
        """Call for all values on one event loop."""
        return self.runner.run(self._all(values, report))

    async def _all(self, values: Sequence[Any], report: Report) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        waiting = iter(enumerate(values))

        async def work() -> None:
            for index, value in waiting:
                outcomes[index] = await self._one(value)
                report(index, [outcomes[index]])

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.concurrency, len(values))):
                    group.create_task(work())
        except BaseExceptionGroup as several:
            # One row ended the shard; the others were cancelled for it.
            raise several.exceptions[0] from None
        if len(outcomes) < len(values):
            left = len(values) - len(outcomes)
            raise CallableError(f"{left:,} rows were left undone: the callable cancels the task that calls it", help="let it raise instead")
        return [outcomes[index] for index in range(len(values))]

    async def _one(self, value: Any) -> Outcome:
        tried = Attempts()
        while True:
            try:
                result = await self.function(value)
                return Filtered() if result is None and self.filters else Done(conform(self.output, result))
            except Used as used:  # an agent tries again by itself
                return self.policy.settle(used.error, used.attempts)
            except asyncio.CancelledError as error:
                failed: Exception = _cancelled(error)
            except ROW_ERRORS as error:  # whatever user code raises is the row's failure
                failed = row_error(error)
            tried = tried.after(as_failure(failed))
            wait = self.policy.wait(failed, tried)
            if wait is None:
                return self.policy.settle(failed, times(tried))
            await asyncio.sleep(wait)


def _cancelled(error: asyncio.CancelledError) -> CallableError:
    """Return the failure of a row of which something was cancelled that it waited for; where the task itself is, that is raised on."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise error
    return CallableError(f"what it waited for was cancelled: {error}".removesuffix(": "), type_name="CancelledError")
